--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: audit_log_refuse(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_log_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    actor character varying NOT NULL,
    action character varying NOT NULL,
    subject character varying NOT NULL,
    details json NOT NULL,
    previous_hash character varying NOT NULL,
    hash character varying NOT NULL
);


--
-- Name: audit_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: audit_log_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.audit_log_id_seq OWNED BY public.audit_log.id;


--
-- Name: baseline_plans; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.baseline_plans (
    id bigint NOT NULL,
    model character varying NOT NULL,
    version_id bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    searched_until timestamp with time zone,
    baseline_id bigint,
    closed_at timestamp with time zone
);


--
-- Name: baseline_plans_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.baseline_plans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: baseline_plans_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.baseline_plans_id_seq OWNED BY public.baseline_plans.id;


--
-- Name: baselines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.baselines (
    id bigint NOT NULL,
    model character varying NOT NULL,
    digest character varying NOT NULL,
    n_exchanges integer NOT NULL,
    encoder character varying NOT NULL,
    model_version character varying NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: baselines_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.baselines_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: baselines_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.baselines_id_seq OWNED BY public.baselines.id;


--
-- Name: candidate_evaluations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.candidate_evaluations (
    id bigint NOT NULL,
    version_id bigint NOT NULL,
    status character varying NOT NULL,
    launcher character varying NOT NULL,
    handle json,
    work_dir character varying NOT NULL,
    request json NOT NULL,
    file_digest character varying NOT NULL,
    dataset_digests json,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    results json,
    gate_result character varying,
    error character varying,
    termination_error character varying,
    planned_by character varying NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    approved_by character varying,
    approved_reason character varying,
    approved_at timestamp with time zone
);


--
-- Name: candidate_evaluations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.candidate_evaluations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: candidate_evaluations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.candidate_evaluations_id_seq OWNED BY public.candidate_evaluations.id;


--
-- Name: dead_letters; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.dead_letters (
    id bigint NOT NULL,
    source character varying NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_index integer NOT NULL,
    last_offset bigint,
    key bytea,
    value bytea,
    reason character varying NOT NULL,
    detail character varying NOT NULL,
    randomness bigint NOT NULL,
    threshold bigint NOT NULL,
    inclusion_probability double precision NOT NULL,
    received_at timestamp with time zone NOT NULL,
    replayed_at timestamp with time zone
);


--
-- Name: dead_letters_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.dead_letters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: dead_letters_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.dead_letters_id_seq OWNED BY public.dead_letters.id;


--
-- Name: decisions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.decisions (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    model character varying NOT NULL,
    recommendation character varying NOT NULL,
    inputs json NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    confirmed_by character varying,
    confirmed_at timestamp with time zone
);


--
-- Name: decisions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: decisions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.decisions_id_seq OWNED BY public.decisions.id;


--
-- Name: drift_evaluations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.drift_evaluations (
    id bigint NOT NULL,
    model character varying NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    status character varying NOT NULL,
    verdict character varying,
    seed bigint NOT NULL,
    baseline_id bigint,
    provenance json NOT NULL,
    assessment json,
    sample_scores bytea,
    prompt_map bytea,
    error character varying,
    started_at timestamp with time zone NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    followed_up_at timestamp with time zone
);


--
-- Name: drift_evaluations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.drift_evaluations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: drift_evaluations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.drift_evaluations_id_seq OWNED BY public.drift_evaluations.id;


--
-- Name: embedding_blocks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.embedding_blocks (
    id bigint NOT NULL,
    encoder character varying NOT NULL,
    dimension integer NOT NULL,
    n_rows integer NOT NULL,
    prompt_vectors bytea NOT NULL,
    response_vectors bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: embedding_blocks_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.embedding_blocks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: embedding_blocks_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.embedding_blocks_id_seq OWNED BY public.embedding_blocks.id;


--
-- Name: exchanges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.exchanges (
    id bigint NOT NULL,
    source character varying NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_index integer NOT NULL,
    baseline_id bigint,
    exchange_id character varying NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    model character varying NOT NULL,
    task_type character varying NOT NULL,
    end_user character varying NOT NULL,
    messages json NOT NULL,
    prompt character varying NOT NULL,
    response character varying NOT NULL,
    attributes json NOT NULL,
    truncated boolean NOT NULL,
    randomness bigint NOT NULL,
    threshold bigint NOT NULL,
    inclusion_probability double precision NOT NULL,
    candidate_threshold bigint NOT NULL,
    min_sample_size integer NOT NULL,
    block_id bigint NOT NULL,
    block_row integer NOT NULL
);


--
-- Name: exchanges_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.exchanges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: exchanges_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.exchanges_id_seq OWNED BY public.exchanges.id;


--
-- Name: gold_examples; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gold_examples (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    revision integer NOT NULL,
    verdict character varying NOT NULL,
    response character varying NOT NULL,
    error_kind character varying NOT NULL,
    answerable character varying NOT NULL,
    resolution character varying NOT NULL,
    cause character varying NOT NULL,
    comment character varying NOT NULL,
    decided_by_id bigint,
    decided_at timestamp with time zone NOT NULL,
    superseded_at timestamp with time zone
);


--
-- Name: gold_examples_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.gold_examples_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: gold_examples_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.gold_examples_id_seq OWNED BY public.gold_examples.id;


--
-- Name: human_evaluation_assignments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluation_assignments (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    draft json NOT NULL,
    started_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    skipped_at timestamp with time zone,
    declined_reason character varying,
    comment character varying NOT NULL
);


--
-- Name: human_evaluation_assignments_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.human_evaluation_assignments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: human_evaluation_assignments_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.human_evaluation_assignments_id_seq OWNED BY public.human_evaluation_assignments.id;


--
-- Name: human_evaluation_items; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluation_items (
    id bigint NOT NULL,
    human_evaluation_id bigint NOT NULL,
    number integer NOT NULL,
    benchmark character varying NOT NULL,
    benchmark_item_id character varying NOT NULL,
    task_type character varying NOT NULL,
    messages json NOT NULL
);


--
-- Name: human_evaluation_items_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.human_evaluation_items_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: human_evaluation_items_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.human_evaluation_items_id_seq OWNED BY public.human_evaluation_items.id;


--
-- Name: human_evaluation_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluation_keys (
    response_id bigint NOT NULL,
    system character varying NOT NULL
);


--
-- Name: human_evaluation_ratings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluation_ratings (
    id bigint NOT NULL,
    response_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    "position" integer NOT NULL,
    scores json NOT NULL
);


--
-- Name: human_evaluation_ratings_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.human_evaluation_ratings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: human_evaluation_ratings_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.human_evaluation_ratings_id_seq OWNED BY public.human_evaluation_ratings.id;


--
-- Name: human_evaluation_responses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluation_responses (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    text character varying NOT NULL
);


--
-- Name: human_evaluation_responses_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.human_evaluation_responses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: human_evaluation_responses_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.human_evaluation_responses_id_seq OWNED BY public.human_evaluation_responses.id;


--
-- Name: human_evaluations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.human_evaluations (
    id bigint NOT NULL,
    version_id bigint NOT NULL,
    candidate_evaluation_id bigint NOT NULL,
    status character varying NOT NULL,
    sample_size integer NOT NULL,
    n_available integer NOT NULL,
    raters_per_item integer NOT NULL,
    scale_min integer NOT NULL,
    scale_max integer NOT NULL,
    dimensions json NOT NULL,
    secret bytea NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    locked_at timestamp with time zone,
    locked_by_id bigint,
    cancelled_at timestamp with time zone,
    results json,
    measured_at timestamp with time zone
);


--
-- Name: human_evaluations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.human_evaluations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: human_evaluations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.human_evaluations_id_seq OWNED BY public.human_evaluations.id;


--
-- Name: incidents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.incidents (
    id bigint NOT NULL,
    model character varying NOT NULL,
    status character varying NOT NULL,
    fingerprint character varying NOT NULL,
    severity double precision NOT NULL,
    opening_evaluation_id bigint,
    last_evaluation_id bigint,
    opening_look_id bigint,
    last_look_id bigint,
    opened_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    acknowledged_by character varying,
    slack_channel character varying,
    slack_ts character varying
);


--
-- Name: incidents_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.incidents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: incidents_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.incidents_id_seq OWNED BY public.incidents.id;


--
-- Name: invitations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.invitations (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    token_hash character varying NOT NULL,
    created_by character varying NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);


--
-- Name: invitations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.invitations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: invitations_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.invitations_id_seq OWNED BY public.invitations.id;


--
-- Name: looks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.looks (
    id bigint NOT NULL,
    model character varying NOT NULL,
    looked_until timestamp with time zone NOT NULL,
    status character varying NOT NULL,
    alarm boolean NOT NULL,
    n_exchanges integer NOT NULL,
    n_end_users integer NOT NULL,
    provenance json NOT NULL,
    findings json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    followed_up_at timestamp with time zone
);


--
-- Name: looks_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.looks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: looks_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.looks_id_seq OWNED BY public.looks.id;


--
-- Name: model_scores; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.model_scores (
    id bigint NOT NULL,
    version_id bigint NOT NULL,
    benchmark character varying NOT NULL,
    stratum character varying NOT NULL,
    metric character varying NOT NULL,
    value double precision NOT NULL,
    lower double precision NOT NULL,
    upper double precision NOT NULL,
    n integer NOT NULL,
    measured_at timestamp with time zone NOT NULL
);


--
-- Name: model_scores_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.model_scores_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: model_scores_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.model_scores_id_seq OWNED BY public.model_scores.id;


--
-- Name: model_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.model_versions (
    id bigint NOT NULL,
    model character varying NOT NULL,
    version integer NOT NULL,
    stage character varying NOT NULL,
    parent_id bigint,
    training_run_id bigint,
    adapter_path character varying NOT NULL,
    adapter_digest character varying NOT NULL,
    lineage json NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: model_versions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.model_versions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: model_versions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.model_versions_id_seq OWNED BY public.model_versions.id;


--
-- Name: offset_gaps; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.offset_gaps (
    id bigint NOT NULL,
    source character varying NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    detected_at timestamp with time zone NOT NULL
);


--
-- Name: offset_gaps_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.offset_gaps_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: offset_gaps_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.offset_gaps_id_seq OWNED BY public.offset_gaps.id;


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    dedupe_key character varying NOT NULL,
    model character varying NOT NULL,
    incident_id bigint,
    kind character varying NOT NULL,
    payload json NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    failed_at timestamp with time zone,
    error character varying
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: outbox_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;


--
-- Name: pending_halves; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pending_halves (
    id bigint NOT NULL,
    source character varying NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_index integer NOT NULL,
    join_id character varying NOT NULL,
    side character varying NOT NULL,
    end_user character varying NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    randomness bigint NOT NULL,
    threshold bigint NOT NULL,
    inclusion_probability double precision NOT NULL,
    payload json NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    claimed_until timestamp with time zone
);


--
-- Name: pending_halves_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.pending_halves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: pending_halves_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.pending_halves_id_seq OWNED BY public.pending_halves.id;


--
-- Name: registry_mirrors; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.registry_mirrors (
    model character varying NOT NULL,
    n_changes integer NOT NULL,
    n_mirrored integer NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamp with time zone,
    error character varying,
    mirrored_at timestamp with time zone
);


--
-- Name: reports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reports (
    evaluation_id bigint NOT NULL,
    kind character varying NOT NULL,
    content bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: review_assignments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_assignments (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    draft json NOT NULL,
    skipped_at timestamp with time zone,
    declined_reason character varying
);


--
-- Name: review_assignments_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_assignments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_assignments_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_assignments_id_seq OWNED BY public.review_assignments.id;


--
-- Name: review_audits; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_audits (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    revision integer NOT NULL,
    drawn_at timestamp with time zone NOT NULL,
    auditor_id bigint,
    decided_at timestamp with time zone,
    differences json,
    verdict character varying NOT NULL,
    error_kind character varying NOT NULL,
    answerable character varying NOT NULL,
    corrected_response character varying NOT NULL,
    comment character varying NOT NULL
);


--
-- Name: review_audits_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_audits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_audits_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_audits_id_seq OWNED BY public.review_audits.id;


--
-- Name: review_batches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_batches (
    id bigint NOT NULL,
    evaluation_id bigint NOT NULL,
    model character varying NOT NULL,
    created_at timestamp with time zone NOT NULL,
    design json
);


--
-- Name: review_batches_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_batches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_batches_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_batches_id_seq OWNED BY public.review_batches.id;


--
-- Name: review_draws; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_draws (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    item_id bigint NOT NULL,
    text_digest character varying NOT NULL,
    task_type character varying NOT NULL,
    stratum integer NOT NULL,
    cluster integer,
    control_points integer NOT NULL,
    traffic_share double precision NOT NULL,
    selection_probability double precision NOT NULL
);


--
-- Name: review_draws_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_draws_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_draws_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_draws_id_seq OWNED BY public.review_draws.id;


--
-- Name: review_items; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_items (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    exchange_id bigint NOT NULL,
    "position" integer NOT NULL,
    slice character varying NOT NULL,
    selection_probability double precision NOT NULL,
    control_probability double precision NOT NULL,
    cluster integer,
    task_type character varying NOT NULL,
    status character varying NOT NULL,
    excluded_reason character varying,
    status_before_flag character varying,
    reopened_reason character varying,
    revision integer NOT NULL,
    taxonomy_version character varying NOT NULL
);


--
-- Name: review_items_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_items_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_items_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_items_id_seq OWNED BY public.review_items.id;


--
-- Name: review_messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_messages (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    text character varying NOT NULL,
    written_at timestamp with time zone NOT NULL
);


--
-- Name: review_messages_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_messages_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_messages_id_seq OWNED BY public.review_messages.id;


--
-- Name: review_proposals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.review_proposals (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    verdict character varying NOT NULL,
    error_kind character varying NOT NULL,
    answerable character varying NOT NULL,
    corrected_response character varying NOT NULL,
    comment character varying NOT NULL,
    proposed_at timestamp with time zone NOT NULL
);


--
-- Name: review_proposals_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.review_proposals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: review_proposals_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.review_proposals_id_seq OWNED BY public.review_proposals.id;


--
-- Name: reviews; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reviews (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    reviewer_id bigint NOT NULL,
    verdict character varying NOT NULL,
    accuracy integer NOT NULL,
    completeness integer NOT NULL,
    tone integer NOT NULL,
    compliance integer NOT NULL,
    error_kind character varying NOT NULL,
    answerable character varying NOT NULL,
    corrected_response character varying NOT NULL,
    comment character varying NOT NULL,
    submitted_at timestamp with time zone NOT NULL
);


--
-- Name: reviews_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.reviews_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: reviews_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.reviews_id_seq OWNED BY public.reviews.id;


--
-- Name: rollouts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rollouts (
    id bigint NOT NULL,
    version_id bigint NOT NULL,
    status character varying NOT NULL,
    weight_percent integer NOT NULL,
    stage_started_at timestamp with time zone NOT NULL,
    reason character varying NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);


--
-- Name: rollouts_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.rollouts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: rollouts_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.rollouts_id_seq OWNED BY public.rollouts.id;


--
-- Name: sign_in_attempts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sign_in_attempts (
    key character varying NOT NULL,
    failures integer NOT NULL,
    blocked_until timestamp with time zone,
    last_at timestamp with time zone NOT NULL
);


--
-- Name: slow_drift_windows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.slow_drift_windows (
    evaluation_id bigint NOT NULL,
    scoring_digest character varying NOT NULL,
    sums bytea NOT NULL
);


--
-- Name: source_offsets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.source_offsets (
    source character varying NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    caught_up_at timestamp with time zone
);


--
-- Name: stage_changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stage_changes (
    id bigint NOT NULL,
    version_id bigint NOT NULL,
    from_stage character varying NOT NULL,
    to_stage character varying NOT NULL,
    changed_by character varying NOT NULL,
    reason character varying NOT NULL,
    changed_at timestamp with time zone NOT NULL
);


--
-- Name: stage_changes_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.stage_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: stage_changes_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.stage_changes_id_seq OWNED BY public.stage_changes.id;


--
-- Name: taxonomy_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.taxonomy_versions (
    version character varying NOT NULL,
    content character varying NOT NULL,
    in_force_at timestamp with time zone NOT NULL
);


--
-- Name: training_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.training_runs (
    id bigint NOT NULL,
    decision_id bigint,
    model character varying NOT NULL,
    status character varying NOT NULL,
    launcher character varying NOT NULL,
    handle json,
    recipe json NOT NULL,
    work_dir character varying NOT NULL,
    plan json,
    progress json,
    resumptions integer DEFAULT 0 NOT NULL,
    cancel_requested_by character varying,
    termination_error character varying,
    result json,
    error character varying,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone
);


--
-- Name: training_runs_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.training_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: training_runs_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.training_runs_id_seq OWNED BY public.training_runs.id;


--
-- Name: unlisted_exchanges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.unlisted_exchanges (
    source character varying NOT NULL,
    model character varying NOT NULL,
    day timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    estimated_total double precision NOT NULL
);


--
-- Name: user_grants; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_grants (
    user_id bigint NOT NULL,
    model character varying NOT NULL,
    role character varying NOT NULL,
    task_types json NOT NULL
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id bigint NOT NULL,
    name character varying NOT NULL,
    password_hash character varying NOT NULL,
    email character varying,
    identity character varying,
    session_epoch integer NOT NULL,
    active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: users_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: users_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;


--
-- Name: watch_pauses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.watch_pauses (
    id bigint NOT NULL,
    model character varying NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    resumed_at timestamp with time zone
);


--
-- Name: watch_pauses_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.watch_pauses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: watch_pauses_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.watch_pauses_id_seq OWNED BY public.watch_pauses.id;


--
-- Name: web_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.web_sessions (
    key character varying NOT NULL,
    value bytea NOT NULL,
    expires_at timestamp with time zone
);


--
-- Name: withheld_exchanges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.withheld_exchanges (
    source character varying NOT NULL,
    model character varying NOT NULL,
    day timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    estimated_total double precision NOT NULL
);


--
-- Name: audit_log id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log ALTER COLUMN id SET DEFAULT nextval('public.audit_log_id_seq'::regclass);


--
-- Name: baseline_plans id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baseline_plans ALTER COLUMN id SET DEFAULT nextval('public.baseline_plans_id_seq'::regclass);


--
-- Name: baselines id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baselines ALTER COLUMN id SET DEFAULT nextval('public.baselines_id_seq'::regclass);


--
-- Name: candidate_evaluations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.candidate_evaluations ALTER COLUMN id SET DEFAULT nextval('public.candidate_evaluations_id_seq'::regclass);


--
-- Name: dead_letters id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dead_letters ALTER COLUMN id SET DEFAULT nextval('public.dead_letters_id_seq'::regclass);


--
-- Name: decisions id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.decisions ALTER COLUMN id SET DEFAULT nextval('public.decisions_id_seq'::regclass);


--
-- Name: drift_evaluations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drift_evaluations ALTER COLUMN id SET DEFAULT nextval('public.drift_evaluations_id_seq'::regclass);


--
-- Name: embedding_blocks id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_blocks ALTER COLUMN id SET DEFAULT nextval('public.embedding_blocks_id_seq'::regclass);


--
-- Name: exchanges id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exchanges ALTER COLUMN id SET DEFAULT nextval('public.exchanges_id_seq'::regclass);


--
-- Name: gold_examples id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gold_examples ALTER COLUMN id SET DEFAULT nextval('public.gold_examples_id_seq'::regclass);


--
-- Name: human_evaluation_assignments id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_assignments ALTER COLUMN id SET DEFAULT nextval('public.human_evaluation_assignments_id_seq'::regclass);


--
-- Name: human_evaluation_items id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_items ALTER COLUMN id SET DEFAULT nextval('public.human_evaluation_items_id_seq'::regclass);


--
-- Name: human_evaluation_ratings id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_ratings ALTER COLUMN id SET DEFAULT nextval('public.human_evaluation_ratings_id_seq'::regclass);


--
-- Name: human_evaluation_responses id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_responses ALTER COLUMN id SET DEFAULT nextval('public.human_evaluation_responses_id_seq'::regclass);


--
-- Name: human_evaluations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations ALTER COLUMN id SET DEFAULT nextval('public.human_evaluations_id_seq'::regclass);


--
-- Name: incidents id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents ALTER COLUMN id SET DEFAULT nextval('public.incidents_id_seq'::regclass);


--
-- Name: invitations id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations ALTER COLUMN id SET DEFAULT nextval('public.invitations_id_seq'::regclass);


--
-- Name: looks id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.looks ALTER COLUMN id SET DEFAULT nextval('public.looks_id_seq'::regclass);


--
-- Name: model_scores id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_scores ALTER COLUMN id SET DEFAULT nextval('public.model_scores_id_seq'::regclass);


--
-- Name: model_versions id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions ALTER COLUMN id SET DEFAULT nextval('public.model_versions_id_seq'::regclass);


--
-- Name: offset_gaps id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.offset_gaps ALTER COLUMN id SET DEFAULT nextval('public.offset_gaps_id_seq'::regclass);


--
-- Name: outbox id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);


--
-- Name: pending_halves id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pending_halves ALTER COLUMN id SET DEFAULT nextval('public.pending_halves_id_seq'::regclass);


--
-- Name: review_assignments id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_assignments ALTER COLUMN id SET DEFAULT nextval('public.review_assignments_id_seq'::regclass);


--
-- Name: review_audits id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_audits ALTER COLUMN id SET DEFAULT nextval('public.review_audits_id_seq'::regclass);


--
-- Name: review_batches id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_batches ALTER COLUMN id SET DEFAULT nextval('public.review_batches_id_seq'::regclass);


--
-- Name: review_draws id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_draws ALTER COLUMN id SET DEFAULT nextval('public.review_draws_id_seq'::regclass);


--
-- Name: review_items id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_items ALTER COLUMN id SET DEFAULT nextval('public.review_items_id_seq'::regclass);


--
-- Name: review_messages id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_messages ALTER COLUMN id SET DEFAULT nextval('public.review_messages_id_seq'::regclass);


--
-- Name: review_proposals id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_proposals ALTER COLUMN id SET DEFAULT nextval('public.review_proposals_id_seq'::regclass);


--
-- Name: reviews id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reviews ALTER COLUMN id SET DEFAULT nextval('public.reviews_id_seq'::regclass);


--
-- Name: rollouts id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollouts ALTER COLUMN id SET DEFAULT nextval('public.rollouts_id_seq'::regclass);


--
-- Name: stage_changes id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stage_changes ALTER COLUMN id SET DEFAULT nextval('public.stage_changes_id_seq'::regclass);


--
-- Name: training_runs id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_runs ALTER COLUMN id SET DEFAULT nextval('public.training_runs_id_seq'::regclass);


--
-- Name: users id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);


--
-- Name: watch_pauses id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watch_pauses ALTER COLUMN id SET DEFAULT nextval('public.watch_pauses_id_seq'::regclass);


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.alembic_version VALUES ('0002');


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_log VALUES (1, '2026-11-02 09:00:00+00', 'driftwarden', 'batch_created', 'batch:1', '{"control":40,"drift":0,"cluster":0,"reused":0}', '0000000000000000000000000000000000000000000000000000000000000000', '7ce2254f0119c985ac81eb15c868ec5845b8685a762cc17bfa966aabd22b5e33');
INSERT INTO public.audit_log VALUES (2, '2026-11-02 09:00:00+00', 'driftwarden', 'user_added', 'user:Ada', '{"role":"reviewer","models":["*"],"task_types":[]}', '7ce2254f0119c985ac81eb15c868ec5845b8685a762cc17bfa966aabd22b5e33', '7bc4a27bf2b4b565c24f057d0f2747b74ff4fc1dd5f912e0b052fc2a84b405cd');
INSERT INTO public.audit_log VALUES (3, '2026-11-02 09:00:00+00', 'driftwarden', 'user_added', 'user:Ben', '{"role":"reviewer","models":["*"],"task_types":[]}', '7bc4a27bf2b4b565c24f057d0f2747b74ff4fc1dd5f912e0b052fc2a84b405cd', 'c3b05f112de454287504fe7c884349b1b58d51b396ee13ecf76b7084004983d8');
INSERT INTO public.audit_log VALUES (4, '2026-11-02 09:00:00+00', 'driftwarden', 'user_added', 'user:Cleo', '{"role":"adjudicator","models":["*"],"task_types":[]}', 'c3b05f112de454287504fe7c884349b1b58d51b396ee13ecf76b7084004983d8', 'a80de1f9539c5eb53fba02d911dfbdadce5ad2fbd398bca1e2b989774d8bf157');
INSERT INTO public.audit_log VALUES (5, '2026-11-02 09:00:00+00', 'driftwarden', 'user_added', 'user:Lea', '{"role":"lead","models":["*"],"task_types":[]}', 'a80de1f9539c5eb53fba02d911dfbdadce5ad2fbd398bca1e2b989774d8bf157', '49c67d64c019926c6656951077fb8bda18399fc22b2bfea91b1996bc7d5b7473');


--
-- Data for Name: baseline_plans; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.baseline_plans VALUES (1, 'model', 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 1, '2026-11-02 09:00:00+00');


--
-- Data for Name: baselines; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.baselines VALUES (1, 'model', 'digest', 1, 'encoder', 'model_version', '2026-11-02 09:00:00+00');


--
-- Data for Name: candidate_evaluations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.candidate_evaluations VALUES (1, 1, 'failed', 'launcher', '{}', 'work_dir', '{}', 'file_digest', '{}', 1, '2026-11-02 09:00:00+00', NULL, 'gate_result', 'error', 'termination_error', 'planned_by', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 'approved_by', 'approved_reason', '2026-11-02 09:00:00+00');


--
-- Data for Name: dead_letters; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.dead_letters VALUES (1, 'source', 1, 1, 1, 1, '\x00ff', '\x00ff', 'reason', 'detail', 1, 1, 0.5, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: decisions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.decisions VALUES (1, 1, 'assistant', 'undecided', '{"batches":[1],"control":{"n_drawn":40,"n_excluded":0,"n":0,"errors":0,"n_reused":0,"missing_share":1.0},"control_of_batch":{"n_drawn":40,"n_excluded":0,"n":0,"errors":0,"n_reused":0,"missing_share":1.0},"rate":null,"baseline":{"errors":32.0,"n":400,"rate":0.08,"lower":0.05723575041013351,"upper":0.11075457683067555,"from":"review.baseline_error_rate"},"rise":null,"confidence":0.99,"agreement":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null,"minimum":0.667},"agreement_by_task_type":{"card_lost":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"crypto_withdrawal":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"fees":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"instant_transfer":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null}},"agreement_of_scores":{"accuracy":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"completeness":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"tone":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"compliance":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null}},"drifted_gold":0,"min_drifted_gold":50,"error_causes":{"n_wrong":0,"n_rated":0,"effective_n":0.0,"shares":{},"minimum":30},"traffic":null,"by_task_type":{},"by_cluster":[],"error_kinds":{},"error_kinds_control":{},"kinds":{},"missing":"control","reasons":["0 of 40 control items are decided. A decision needs 90%; review the remaining items."]}', '2026-11-02 09:00:00+00', NULL, NULL);


--
-- Data for Name: drift_evaluations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.drift_evaluations VALUES (1, 'assistant', '2026-10-26 09:00:00+00', '2026-11-02 09:00:00+00', 'done', 'drift', 1, NULL, '{}', '{"schema_version":1,"model":"assistant","verdict":"drift","alarm":true,"headline":"Customers ask about two things the model was not trained for: crypto and instant transfers.","n_reference":800,"n_current":40,"estimated_current":null,"n_withheld":0,"input":{"family":"input","verdict":"drift","alarm":true,"p_value":0.0002,"drifted_share":{"estimate":0.11,"lower":0.055,"upper":0.165},"shift":null,"is_shift":false,"descriptors":[],"untested_reason":null,"unread_reference":null,"unread_current":null,"tests":[{"name":"kernel two-sample","statistic":0.0123,"p_value":0.0001,"adjusted_p_value":0.0002,"effect_size":0.21,"effect_lower":null,"effect_upper":null},{"name":"novelty","statistic":3.1,"p_value":0.0004,"adjusted_p_value":0.0004,"effect_size":0.3,"effect_lower":null,"effect_upper":null}],"topics":[{"index":0,"name":"bitcoin, wallet, sold","n_current":14,"n_end_users":11,"share_current":0.07,"share_reference":0.002,"enrichment":35.0,"enrichment_lower":12.0,"enrichment_upper":99.0,"examples":[{"prompt":"How long does it take until bitcoin I sold in the app shows up as euros?","response":"","baseline":null},{"prompt":"Can I move my bitcoin to my own wallet?","response":"","baseline":null},{"prompt":"What does it cost to sell 0.1 BTC?","response":"","baseline":null},{"prompt":"<script>alert(1)</script> is my wallet safe?","response":"","baseline":null}],"first_seen":null,"known_since":null,"exists_since":null,"may_be_older":false,"growth":[]},{"index":1,"name":"instant, pending, transfer","n_current":14,"n_end_users":11,"share_current":0.07,"share_reference":0.002,"enrichment":35.0,"enrichment_lower":12.0,"enrichment_upper":99.0,"examples":[{"prompt":"My instant transfer shows ''pending'' for two hours.","response":"","baseline":null}],"first_seen":null,"known_since":null,"exists_since":null,"may_be_older":false,"growth":[]}],"outliers":[],"slow":null},"output":{"family":"output","verdict":"no_drift","alarm":false,"p_value":0.21,"drifted_share":{"estimate":0.0,"lower":0.0,"upper":0.0},"shift":null,"is_shift":false,"descriptors":[],"untested_reason":null,"unread_reference":null,"unread_current":null,"tests":[{"name":"kernel two-sample","statistic":0.0123,"p_value":0.0001,"adjusted_p_value":0.0002,"effect_size":0.21,"effect_lower":null,"effect_upper":null}],"topics":[],"outliers":[],"slow":null},"detectable_shares":[],"numeric_columns":[{"name":"length_characters","side":"response","direction":0,"n_reference":800,"n_current":40,"reference_mean":212.0,"current_mean":171.0,"effect_size":-0.18,"effect_lower":null,"effect_upper":null,"relative_change":-0.193,"relative_change_lower":-0.24,"relative_change_upper":-0.14,"p_value":0.0003,"adjusted_p_value":0.001,"degraded":false}],"mix_current":{"card_lost":0.3,"fees":0.25,"instant_transfer":0.25,"":0.2},"mix_reference":{"card_lost":0.5,"fees":0.5},"mix_other":null,"mix_p_value":null,"mix_effect_size":null,"remarks":["Sunday had no traffic."],"versions":[],"basis":{"seed":7,"settings":{"false_alarms_a_year":0.5},"levels":{"input":0.005,"output":0.001,"metrics":0.00028846153846153843,"slow":0.013,"looks":0.0001923076923076923},"encoder":"","reference":{"name":"","digest":"","n_end_users":null,"first":null,"last":null},"current":{"name":"","digest":"","n_end_users":null,"first":null,"last":null},"versions":{}}}', '\x504b03042d0000000800000021008300d4f5ffffffffffffffff070014006964732e6e707901001000c0010000000000009b000000000000009dc8bb0ec1600086e1d6599dcf677ec7bf920e068388d9462c0693345a211195562ce22adcb08af70a7ccb93ef7dafb7abcd4e551eca535ab67770e55cc8c579260d218f8e7b77cdebde712dfbdb97e6c5b3fdee9dcc9bed7f7d3a31c6867889ffa7a9ca6f010c6208c318c128c6308e1a263089294c6306b398c33c16b088252c6305ab58c33a36b0892d6c63070576b1877d1ce010472851c70f504b03042d0000000800000021008625db77ffffffffffffffff0b0014006e6f76656c74792e6e7079010010002001000000000000dd000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a26063a9a3a0ab50ae4032e062050e4bd64a3c81b647bb373ae2d906d6beac16c77b353d6aef6b4b91d50dceea85f8e9da947b31d7be604a0f85cbbd5ab5601e5b6dbf9bf390294bf64f759f73e50cd1bbbe9f93f81ea98ede7dde0b467cf14b02ff829660f34c7de494ac57ef52a2d7b116b437ba099f6cfa2edecfddfb8d8efa8f1b6079a6fdf3537c2feb36ebc7dccbe547ba05df67af78beca7e757da333034d80300504b03042d00000008000000210045f0645fffffffffffffffff0b001400636c75737465722e6e70790100100020010000000000004d000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a2aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a26063a9a3a0ab50ae403aeff48800108061b1f00504b03042d00000008000000210090069889ffffffffffffffff19001400696e636c7573696f6e5f70726f626162696c6974792e6e707901001000c0010000000000004f000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a26063a9a3a0ab50ae403ae59334160a5fd284d1e0d00504b01022d032d0000000800000021008300d4f59b000000c00100000700000000000000000000008001000000006964732e6e7079504b01022d032d0000000800000021008625db77dd000000200100000b00000000000000000000008001d40000006e6f76656c74792e6e7079504b01022d032d00000008000000210045f0645f4d000000200100000b00000000000000000000008001ee010000636c75737465722e6e7079504b01022d032d000000080000002100900698894f000000c0010000190000000000000000000000800178020000696e636c7573696f6e5f70726f626162696c6974792e6e7079504b05060000000004000400ee000000120300000000', NULL, NULL, '2026-11-02 09:00:00+00', '2026-11-02 10:00:00+00', '2026-11-02 09:00:00+00', NULL);


--
-- Data for Name: embedding_blocks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.embedding_blocks VALUES (1, 'test', 4, 40, '\x0038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038', '\x0038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038', '2026-11-02 09:00:00+00');


--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.exchanges VALUES (1, 'test', 0, 0, 0, NULL, 'x0-0', '2026-10-26 09:00:00+00', '2026-10-26 09:00:00+00', 'assistant', 'card_lost', 'u0', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 0);
INSERT INTO public.exchanges VALUES (2, 'test', 0, 1, 0, NULL, 'x0-1', '2026-10-26 09:01:00+00', '2026-10-26 09:01:00+00', 'assistant', 'instant_transfer', 'u1', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone?"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone?', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 1);
INSERT INTO public.exchanges VALUES (3, 'test', 0, 2, 0, NULL, 'x0-2', '2026-10-26 09:02:00+00', '2026-10-26 09:02:00+00', 'assistant', 'fees', 'u2', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online?"}]', 'Why was I charged 1.75% when I paid in dollars online?', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 2);
INSERT INTO public.exchanges VALUES (4, 'test', 0, 3, 0, NULL, 'x0-3', '2026-10-26 09:03:00+00', '2026-10-26 09:03:00+00', 'assistant', 'crypto_withdrawal', 'u3', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros?"}]', 'How long does it take until bitcoin I sold in the app shows up as euros?', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 3);
INSERT INTO public.exchanges VALUES (5, 'test', 0, 4, 0, NULL, 'x0-4', '2026-10-26 09:04:00+00', '2026-10-26 09:04:00+00', 'assistant', 'card_lost', 'u4', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (4)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (4)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 4);
INSERT INTO public.exchanges VALUES (6, 'test', 0, 5, 0, NULL, 'x0-5', '2026-10-26 09:05:00+00', '2026-10-26 09:05:00+00', 'assistant', 'instant_transfer', 'u5', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (5)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (5)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 5);
INSERT INTO public.exchanges VALUES (7, 'test', 0, 6, 0, NULL, 'x0-6', '2026-10-26 09:06:00+00', '2026-10-26 09:06:00+00', 'assistant', 'fees', 'u6', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (6)"}]', 'Why was I charged 1.75% when I paid in dollars online? (6)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 6);
INSERT INTO public.exchanges VALUES (8, 'test', 0, 7, 0, NULL, 'x0-7', '2026-10-26 09:07:00+00', '2026-10-26 09:07:00+00', 'assistant', 'crypto_withdrawal', 'u7', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (7)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (7)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 7);
INSERT INTO public.exchanges VALUES (9, 'test', 0, 8, 0, NULL, 'x0-8', '2026-10-26 09:08:00+00', '2026-10-26 09:08:00+00', 'assistant', 'card_lost', 'u8', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (8)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (8)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 8);
INSERT INTO public.exchanges VALUES (11, 'test', 0, 10, 0, NULL, 'x0-10', '2026-10-26 09:10:00+00', '2026-10-26 09:10:00+00', 'assistant', 'fees', 'u10', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (10)"}]', 'Why was I charged 1.75% when I paid in dollars online? (10)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 10);
INSERT INTO public.exchanges VALUES (12, 'test', 0, 11, 0, NULL, 'x0-11', '2026-10-26 09:11:00+00', '2026-10-26 09:11:00+00', 'assistant', 'crypto_withdrawal', 'u11', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (11)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (11)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 11);
INSERT INTO public.exchanges VALUES (13, 'test', 0, 12, 0, NULL, 'x0-12', '2026-10-26 09:12:00+00', '2026-10-26 09:12:00+00', 'assistant', 'card_lost', 'u12', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (12)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (12)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 12);
INSERT INTO public.exchanges VALUES (14, 'test', 0, 13, 0, NULL, 'x0-13', '2026-10-26 09:13:00+00', '2026-10-26 09:13:00+00', 'assistant', 'instant_transfer', 'u13', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (13)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (13)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 13);
INSERT INTO public.exchanges VALUES (15, 'test', 0, 14, 0, NULL, 'x0-14', '2026-10-26 09:14:00+00', '2026-10-26 09:14:00+00', 'assistant', 'fees', 'u14', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (14)"}]', 'Why was I charged 1.75% when I paid in dollars online? (14)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 14);
INSERT INTO public.exchanges VALUES (16, 'test', 0, 15, 0, NULL, 'x0-15', '2026-10-26 09:15:00+00', '2026-10-26 09:15:00+00', 'assistant', 'crypto_withdrawal', 'u15', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (15)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (15)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 15);
INSERT INTO public.exchanges VALUES (17, 'test', 0, 16, 0, NULL, 'x0-16', '2026-10-26 09:16:00+00', '2026-10-26 09:16:00+00', 'assistant', 'card_lost', 'u16', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (16)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (16)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 16);
INSERT INTO public.exchanges VALUES (18, 'test', 0, 17, 0, NULL, 'x0-17', '2026-10-26 09:17:00+00', '2026-10-26 09:17:00+00', 'assistant', 'instant_transfer', 'u17', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (17)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (17)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 17);
INSERT INTO public.exchanges VALUES (19, 'test', 0, 18, 0, NULL, 'x0-18', '2026-10-26 09:18:00+00', '2026-10-26 09:18:00+00', 'assistant', 'fees', 'u18', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (18)"}]', 'Why was I charged 1.75% when I paid in dollars online? (18)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 18);
INSERT INTO public.exchanges VALUES (20, 'test', 0, 19, 0, NULL, 'x0-19', '2026-10-26 09:19:00+00', '2026-10-26 09:19:00+00', 'assistant', 'crypto_withdrawal', 'u19', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (19)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (19)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 19);
INSERT INTO public.exchanges VALUES (21, 'test', 0, 20, 0, NULL, 'x0-20', '2026-10-26 09:20:00+00', '2026-10-26 09:20:00+00', 'assistant', 'card_lost', 'u20', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (20)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (20)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 20);
INSERT INTO public.exchanges VALUES (22, 'test', 0, 21, 0, NULL, 'x0-21', '2026-10-26 09:21:00+00', '2026-10-26 09:21:00+00', 'assistant', 'instant_transfer', 'u21', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (21)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (21)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 21);
INSERT INTO public.exchanges VALUES (23, 'test', 0, 22, 0, NULL, 'x0-22', '2026-10-26 09:22:00+00', '2026-10-26 09:22:00+00', 'assistant', 'fees', 'u22', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (22)"}]', 'Why was I charged 1.75% when I paid in dollars online? (22)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 22);
INSERT INTO public.exchanges VALUES (24, 'test', 0, 23, 0, NULL, 'x0-23', '2026-10-26 09:23:00+00', '2026-10-26 09:23:00+00', 'assistant', 'crypto_withdrawal', 'u23', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (23)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (23)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 23);
INSERT INTO public.exchanges VALUES (25, 'test', 0, 24, 0, NULL, 'x0-24', '2026-10-26 09:24:00+00', '2026-10-26 09:24:00+00', 'assistant', 'card_lost', 'u24', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (24)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (24)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 24);
INSERT INTO public.exchanges VALUES (26, 'test', 0, 25, 0, NULL, 'x0-25', '2026-10-26 09:25:00+00', '2026-10-26 09:25:00+00', 'assistant', 'instant_transfer', 'u25', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (25)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (25)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 25);
INSERT INTO public.exchanges VALUES (28, 'test', 0, 27, 0, NULL, 'x0-27', '2026-10-26 09:27:00+00', '2026-10-26 09:27:00+00', 'assistant', 'crypto_withdrawal', 'u27', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (27)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (27)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 27);
INSERT INTO public.exchanges VALUES (29, 'test', 0, 28, 0, NULL, 'x0-28', '2026-10-26 09:28:00+00', '2026-10-26 09:28:00+00', 'assistant', 'card_lost', 'u28', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (28)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (28)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 28);
INSERT INTO public.exchanges VALUES (30, 'test', 0, 29, 0, NULL, 'x0-29', '2026-10-26 09:29:00+00', '2026-10-26 09:29:00+00', 'assistant', 'instant_transfer', 'u29', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (29)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (29)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 29);
INSERT INTO public.exchanges VALUES (31, 'test', 0, 30, 0, NULL, 'x0-30', '2026-10-26 09:30:00+00', '2026-10-26 09:30:00+00', 'assistant', 'fees', 'u30', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (30)"}]', 'Why was I charged 1.75% when I paid in dollars online? (30)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 30);
INSERT INTO public.exchanges VALUES (33, 'test', 0, 32, 0, NULL, 'x0-32', '2026-10-26 09:32:00+00', '2026-10-26 09:32:00+00', 'assistant', 'card_lost', 'u32', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (32)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (32)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 32);
INSERT INTO public.exchanges VALUES (34, 'test', 0, 33, 0, NULL, 'x0-33', '2026-10-26 09:33:00+00', '2026-10-26 09:33:00+00', 'assistant', 'instant_transfer', 'u33', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (33)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (33)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 33);
INSERT INTO public.exchanges VALUES (35, 'test', 0, 34, 0, NULL, 'x0-34', '2026-10-26 09:34:00+00', '2026-10-26 09:34:00+00', 'assistant', 'fees', 'u34', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (34)"}]', 'Why was I charged 1.75% when I paid in dollars online? (34)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 34);
INSERT INTO public.exchanges VALUES (36, 'test', 0, 35, 0, NULL, 'x0-35', '2026-10-26 09:35:00+00', '2026-10-26 09:35:00+00', 'assistant', 'crypto_withdrawal', 'u35', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (35)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (35)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 35);
INSERT INTO public.exchanges VALUES (37, 'test', 0, 36, 0, NULL, 'x0-36', '2026-10-26 09:36:00+00', '2026-10-26 09:36:00+00', 'assistant', 'card_lost', 'u36', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (36)"}]', 'I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (36)', 'I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.', '{}', false, 0, 0, 0.05, 0, 0, 1, 36);
INSERT INTO public.exchanges VALUES (38, 'test', 0, 37, 0, NULL, 'x0-37', '2026-10-26 09:37:00+00', '2026-10-26 09:37:00+00', 'assistant', 'instant_transfer', 'u37', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (37)"}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (37)', 'Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.', '{}', false, 0, 0, 0.05, 0, 0, 1, 37);
INSERT INTO public.exchanges VALUES (39, 'test', 0, 38, 0, NULL, 'x0-38', '2026-10-26 09:38:00+00', '2026-10-26 09:38:00+00', 'assistant', 'fees', 'u38', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (38)"}]', 'Why was I charged 1.75% when I paid in dollars online? (38)', 'The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.', '{}', false, 0, 0, 0.05, 0, 0, 1, 38);
INSERT INTO public.exchanges VALUES (27, 'test', 0, 26, 0, NULL, 'x0-26', '2026-10-26 09:26:00+00', '2026-10-26 09:26:00+00', 'assistant', 'card_lost', 'u26', '[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"مرحبا، فقدت بطاقتي أمس في المطار.\nHow do I block it? أحتاج إلى المساعدة."}]', 'Why was I charged 1.75% when I paid in dollars online? (26)', 'يمكنك إيقاف البطاقة فورًا من التطبيق: Cards > Lost or stolen.
ستصلك بطاقة جديدة قريبًا.', '{}', false, 0, 0, 0.05, 0, 0, 1, 26);
INSERT INTO public.exchanges VALUES (40, 'test', 0, 39, 0, NULL, 'x0-39', '2026-10-26 09:39:00+00', '2026-10-26 09:39:00+00', 'assistant', 'crypto_withdrawal', 'u39', '[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (39)"}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (39)', 'We do not offer cryptocurrency products. Please contact the provider of your wallet.', '{}', false, 0, 0, 0.05, 0, 0, 1, 39);
INSERT INTO public.exchanges VALUES (10, 'test', 0, 9, 0, NULL, 'x0-9', '2026-10-26 09:09:00+00', '2026-10-26 09:09:00+00', 'assistant', 'card_lost', 'u9', '[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"Good evening. My bag was stolen in Lisbon an hour ago, with both cards in it. My flight home is tomorrow at 18:00, and I can''t even pay the hotel."},{"role":"assistant","content":"I''m very sorry to hear that. Have you been able to block the cards yet? You can do it in the app under Cards > Lost or stolen."},{"role":"user","content":"Yes, both are blocked. But how do I get at money tonight? And will I have to pay if somebody used them before I blocked them? There is one payment of €84.20 at a petrol station that isn''t mine."}]', 'My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (9)', 'Thank you for blocking them so quickly. New cards will reach your home address within 5 working days.

Payments made before you blocked the cards can''t be refunded, so the €84.20 will stay on your account. Please ask a friend to send you money for the hotel.', '{}', false, 0, 0, 0.05, 0, 0, 1, 9);
INSERT INTO public.exchanges VALUES (32, 'test', 0, 31, 0, NULL, 'x0-31', '2026-10-26 09:31:00+00', '2026-10-26 09:31:00+00', 'assistant', 'fees', 'u31', '[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"Your API answers 401 to this. Why?\n\n```python\nimport httpx\n\nclient = httpx.Client(headers={\"Authorization\": TOKEN})\nfor page in range(3):\n    print(client.get(f\"/v2/accounts?page={page}\").json())\n```\nIt worked last week."}]', 'How long does it take until bitcoin I sold in the app shows up as euros? (31)', 'The header needs the scheme:

```python
headers={"Authorization": f"Bearer {TOKEN}"}
```

Since 1 November we refuse tokens without it.', '{}', false, 0, 0, 0.05, 0, 0, 1, 31);


--
-- Data for Name: gold_examples; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.gold_examples VALUES (1, 1, 1, 'verdict', 'response', 'error_kind', 'answerable', 'resolution', 'cause', 'comment', 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: human_evaluation_assignments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluation_assignments VALUES (1, 1, 1, '2026-11-02 09:00:00+00', '{}', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 'declined_reason', 'comment');


--
-- Data for Name: human_evaluation_items; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluation_items VALUES (1, 1, 1, 'benchmark', 'benchmark_item_id', 'task_type', '{}');


--
-- Data for Name: human_evaluation_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluation_keys VALUES (1, 'system');


--
-- Data for Name: human_evaluation_ratings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluation_ratings VALUES (1, 1, 1, 1, '{}');


--
-- Data for Name: human_evaluation_responses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluation_responses VALUES (1, 1, 'text');


--
-- Data for Name: human_evaluations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.human_evaluations VALUES (1, 1, 1, 'cancelled', 1, 1, 1, 1, 1, '{}', '\x00ff', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 1, '2026-11-02 09:00:00+00', NULL, '2026-11-02 09:00:00+00');


--
-- Data for Name: incidents; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.incidents VALUES (1, 'model', 'resolved', 'fingerprint', 0.5, 1, 1, 1, 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 'acknowledged_by', 'slack_channel', 'slack_ts');


--
-- Data for Name: invitations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitations VALUES (1, 1, 'token_hash', 'created_by', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: looks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.looks VALUES (1, 'model', '2026-11-02 09:00:00+00', 'done', true, 1, 1, '{}', '{}', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: model_scores; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.model_scores VALUES (1, 1, 'benchmark', 'stratum', 'metric', 0.5, 0.5, 0.5, 1, '2026-11-02 09:00:00+00');


--
-- Data for Name: model_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.model_versions VALUES (1, 'model', 1, 'retired', NULL, 1, 'adapter_path', 'adapter_digest', '{}', '2026-11-02 09:00:00+00');


--
-- Data for Name: offset_gaps; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.offset_gaps VALUES (1, 'source', 1, 1, 1, '2026-11-02 09:00:00+00');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox VALUES (1, 'dedupe_key', 'model', 1, 'post', '{}', 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 'error');


--
-- Data for Name: pending_halves; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.pending_halves VALUES (1, 'source', 1, 1, 1, 'join_id', 'request', 'end_user', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', 1, 1, 0.5, '{}', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: registry_mirrors; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.registry_mirrors VALUES ('model', 1, 1, 1, '2026-11-02 09:00:00+00', 'error', '2026-11-02 09:00:00+00');


--
-- Data for Name: reports; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.reports VALUES (1, 'evidently', '\x1f8b0800000000000203b3c928c9cdb1b349ca4fa9b4b3294e2eca2c28b14bc94f2ecd4dcd2bd12bc92cc949b5552f4acc53b7d1874a16a516e41795d8e84374e883b503009aac432c45000000', '2026-11-02 09:00:00+00');


--
-- Data for Name: review_assignments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_assignments VALUES (1, 1, 1, '2026-11-02 09:00:00+00', '{}', '2026-11-02 09:00:00+00', 'declined_reason');


--
-- Data for Name: review_audits; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_audits VALUES (1, 1, 1, '2026-11-02 09:00:00+00', 1, '2026-11-02 09:00:00+00', '{}', 'verdict', 'error_kind', 'answerable', 'corrected_response', 'comment');


--
-- Data for Name: review_batches; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_batches VALUES (1, 1, 'assistant', '2026-11-02 09:00:00+00', '{"n_control":40,"n_window":39.99999999999999,"cells":[["card_lost",0,0.22499999999999998],["card_lost",1,0.025],["crypto_withdrawal",2,0.24999999999999997],["fees",0,0.19999999999999998],["fees",1,0.05],["instant_transfer",0,0.22499999999999998],["instant_transfer",1,0.025]]}');


--
-- Data for Name: review_draws; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_draws VALUES (1, 1, 1, '791ecb6ec480ec6b17ac218a44e6857e', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (2, 1, 2, '4e28cd53cf9af5fce60d62cc4b7bcc69', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (3, 1, 3, 'fdd5900d6734aa4bfba3603a6df7ece4', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (4, 1, 4, '6a7b97bcaa52e6733949c47c9880572a', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (5, 1, 5, '074a7b98e9a5a533397d29ed410094de', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (6, 1, 6, '76e4546993ff44184090b4ae5a8bdbed', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (7, 1, 7, '47de3cdd5870a2cc994838617e097dce', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (8, 1, 8, '04bf0f8a28789723a94c30eb75d4bfad', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (9, 1, 9, '7472ac4d4ef0b76c79043bde8e5659ab', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (10, 1, 10, 'af84b64f94351d521df300d50265896b', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (11, 1, 11, 'e1e607111189b324b77ec44418af3ee8', 'card_lost', 1, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (12, 1, 12, '5007120db63d6140b60a5855640152a4', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (13, 1, 13, 'a9d7f0bce6d14b4cf0d456f5900a7133', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (14, 1, 14, 'e5d3e9366761103d77c522f89456d52f', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (15, 1, 15, '6df91f8b8a6a8621cf4ce515cc2c44bf', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (16, 1, 16, 'b81855a2b8d804adace350a88e8872e4', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (17, 1, 17, '9454092742022553ac910a916e63b52c', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (18, 1, 18, '1b0228b285d7e795cff4f9993588103d', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (19, 1, 19, 'fb07d9dcde8208cc0d8edca098a6e37b', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (20, 1, 20, '7164647cb91d6618e53aa1b6b84f98e5', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (21, 1, 21, '154ed3d204ee624b8d27628bda377aef', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (22, 1, 22, '90d55da35d85958e79bba237932251b2', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (23, 1, 23, '37a887467a82c1fd52d445ace7bc2ee1', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (24, 1, 24, '93dfe84acd57e30c522066b1c6b21e75', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (25, 1, 25, '39f5add40741138ee1622d50f4d1a959', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (26, 1, 26, '4c31b2e63701ce12939082a12b5c0b76', 'fees', 1, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (27, 1, 27, '8c4ebe1af93cf53438a76eaa1670db65', 'fees', 1, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (28, 1, 28, '8a3f1c2a94ff331276b95d0326474bf7', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (29, 1, 29, '152ea7560266f6a44134d544e18054de', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (30, 1, 30, '1b14fa6752cf188fc9a7151cedec64eb', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (31, 1, 31, '653d524eee581b02e3c2265182e59073', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (32, 1, 32, 'f118ab0afa209d9728227e5802e54a86', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (33, 1, 33, 'ad7edd651358c53bb640f7bffc23a643', 'fees', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (34, 1, 34, 'c640ae9ab4e17822b890d00a4becf860', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (35, 1, 35, '80a31af347d71c369d2332b116b8060b', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (36, 1, 36, '9baa37d2a9422054e7ffbaa4e04c316b', 'card_lost', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (37, 1, 37, '802ad2e756cc7d3291ec4b287fdaf007', 'instant_transfer', 1, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (38, 1, 38, '1436ac9b96bb8aea53ba4e8ab3c84a29', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (39, 1, 39, '6f8df6e0651a1b4f95e8735f5a9efe07', 'instant_transfer', 0, NULL, 1, 0.025, 1);
INSERT INTO public.review_draws VALUES (40, 1, 40, '8cd325eee6802bb9cd4fd0273f0f8e9f', 'crypto_withdrawal', 2, 0, 1, 0.025, 1);


--
-- Data for Name: review_items; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_items VALUES (4, 1, 6, 3, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (5, 1, 33, 4, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (6, 1, 19, 5, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (7, 1, 36, 6, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (8, 1, 23, 7, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (9, 1, 7, 8, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (10, 1, 17, 9, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (11, 1, 37, 10, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (12, 1, 24, 11, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (13, 1, 25, 12, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (14, 1, 28, 13, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (15, 1, 8, 14, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (16, 1, 21, 15, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (17, 1, 18, 16, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (1, 1, 10, 0, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (2, 1, 32, 1, 'control', 1, 1, 0, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (3, 1, 27, 2, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (18, 1, 20, 17, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (19, 1, 29, 18, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (20, 1, 2, 19, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (21, 1, 12, 20, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (22, 1, 4, 21, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (23, 1, 22, 22, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (24, 1, 14, 23, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (25, 1, 31, 24, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (26, 1, 35, 25, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (27, 1, 39, 26, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (28, 1, 16, 27, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (29, 1, 15, 28, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (30, 1, 5, 29, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (31, 1, 13, 30, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (32, 1, 11, 31, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (33, 1, 3, 32, 'control', 1, 1, NULL, 'fees', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (34, 1, 30, 33, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (35, 1, 1, 34, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (36, 1, 9, 35, 'control', 1, 1, NULL, 'card_lost', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (37, 1, 38, 36, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (38, 1, 26, 37, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (39, 1, 34, 38, 'control', 1, 1, NULL, 'instant_transfer', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO public.review_items VALUES (40, 1, 40, 39, 'control', 1, 1, 0, 'crypto_withdrawal', 'queued', NULL, NULL, NULL, 1, '0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');


--
-- Data for Name: review_messages; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_messages VALUES (1, 1, 1, 'text', '2026-11-02 09:00:00+00');


--
-- Data for Name: review_proposals; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.review_proposals VALUES (1, 1, 1, 'verdict', 'error_kind', 'answerable', 'corrected_response', 'comment', '2026-11-02 09:00:00+00');


--
-- Data for Name: reviews; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.reviews VALUES (1, 1, 1, 'verdict', 1, 1, 1, 1, 'error_kind', 'answerable', 'corrected_response', 'comment', '2026-11-02 09:00:00+00');


--
-- Data for Name: rollouts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rollouts VALUES (1, 1, 'reverted', 1, '2026-11-02 09:00:00+00', 'reason', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: sign_in_attempts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sign_in_attempts VALUES ('key', 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: slow_drift_windows; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.slow_drift_windows VALUES (1, 'scoring_digest', '\x00ff');


--
-- Data for Name: source_offsets; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.source_offsets VALUES ('source', 1, 1, '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: stage_changes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.stage_changes VALUES (1, 1, 'candidate', 'retired', 'changed_by', 'reason', '2026-11-02 09:00:00+00');


--
-- Data for Name: taxonomy_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.taxonomy_versions VALUES ('0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465', '{"default_template":{"response":"{answer}","style":"direct","system_prompt":"You are the support desk of Example Bank. Answer in at most five sentences.\nNever promise what the price list doesn''t say."},"task_types":{"card_lost":{"correct_output":"Says first how to block the card at once (in the app under Cards > Lost or stolen, or by phone), then\nwhen the new one comes, then who bears payments made in the meantime. Calm, and without blame.","criteria":["Accept where blocking comes first and every fact is in the price list or the card terms.","Correct where a fact is wrong or missing but the rest can stay.","Reject where following the answer would leave the card open."],"description":"A customer can''t find their card. Money is at risk until it is blocked, so that comes first.","edge_cases":[{"examples":[{"input":"I blocked my card yesterday and just found it in my coat. Can you unblock it?","output":"I''m glad it turned up. A card that was blocked can''t be opened again, so please cut it up; the new\none reaches you within 5 working days."}],"guidance":"A card that was blocked can''t be opened again, even if the customer is sure nobody had it.","title":"The card is found again"},{"examples":[{"input":"My bag was stolen in Lisbon, cards and all. I can''t even pay the hotel.","output":"I''m sorry. First block the cards in the app under Cards > Lost or stolen. Then call us: we can have\nemergency cash paid out to you in Lisbon within a few hours. New cards are sent to your home address\nwithin 5 working days."}],"guidance":"Emergency cash comes before the new card.","title":"Abroad, without any money"}],"input_types":["The customer tells that a card is lost, stolen, or kept by a machine.","The customer asks what a lost card costs them."],"name":"card_lost","output_format":{"type":"text"},"template":{"response":"{answer}","style":"direct","system_prompt":"You are the support desk of Example Bank. Answer in at most five sentences.\nNever promise what the price list doesn''t say."},"title":"A card is lost or stolen"},"intent":{"correct_output":"The one label that names what the customer wants first.","criteria":["Accept the label that decides which team acts first.","Correct any other label, however close."],"description":"","edge_cases":[{"examples":[{"input":"Why was I charged 1.75%? And by the way, I lost my card.","output":"card_lost"}],"guidance":"The more urgent one counts: a lost card before everything, a complaint before a question.","title":"Two wishes in one message"}],"input_types":["The first message of a conversation, before anybody has answered."],"name":"intent","output_format":{"labels":["card_lost","fees","transfer","complaint","other"],"type":"labels"},"template":{"response":"{answer}","style":"direct","system_prompt":"Say what the customer wants. Answer with {output_format} and nothing else."},"title":"What does the customer want?"}}}', '2026-11-02 09:00:00+00');


--
-- Data for Name: training_runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.training_runs VALUES (1, 1, 'model', 'failed', 'launcher', '{}', '{}', 'work_dir', '{}', '{}', 1, 'cancel_requested_by', 'termination_error', '{}', 'error', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: unlisted_exchanges; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.unlisted_exchanges VALUES ('source', 'model', '2026-11-02 09:00:00+00', 1, 0.5);


--
-- Data for Name: user_grants; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_grants VALUES (1, '*', 'reviewer', '[]');
INSERT INTO public.user_grants VALUES (2, '*', 'reviewer', '[]');
INSERT INTO public.user_grants VALUES (3, '*', 'adjudicator', '[]');
INSERT INTO public.user_grants VALUES (4, '*', 'lead', '[]');


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES (1, 'Ada', '$argon2id$v=19$m=65536,t=3,p=4$uley1kUkpDmpALV9uW6+3A$xHVfrtk2EmsHJiK7LZH+Z0QX4ozXgz4HAyKSOVXcK3Q', NULL, NULL, 0, true, '2026-11-02 09:00:00+00');
INSERT INTO public.users VALUES (2, 'Ben', '$argon2id$v=19$m=65536,t=3,p=4$T69Mm4xcUSILnJG0salLWA$RmwInsJ6QZ5fZrRT7aBJHWV0sLTOyN/FetThn4btd+o', NULL, NULL, 0, true, '2026-11-02 09:00:00+00');
INSERT INTO public.users VALUES (3, 'Cleo', '$argon2id$v=19$m=65536,t=3,p=4$CketN5UM6S6N39Uifs29Fg$iVvZWBe/Dz+xM2Wvv1G0eBdqHFrmpDbWiMX2B6WeXxA', NULL, NULL, 0, true, '2026-11-02 09:00:00+00');
INSERT INTO public.users VALUES (4, 'Lea', '$argon2id$v=19$m=65536,t=3,p=4$P1U6R9rQF4BWQBZ/k/Kjwg$egIDPD8x9BjoJpn6b1XnSXVAdjAGYZ6fs6IA9zYBKfE', NULL, NULL, 0, true, '2026-11-02 09:00:00+00');


--
-- Data for Name: watch_pauses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.watch_pauses VALUES (1, 'model', '2026-11-02 09:00:00+00', '2026-11-02 09:00:00+00');


--
-- Data for Name: web_sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.web_sessions VALUES ('key', '\x00ff', '2026-11-02 09:00:00+00');


--
-- Data for Name: withheld_exchanges; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.withheld_exchanges VALUES ('source', 'model', '2026-11-02 09:00:00+00', 1, 0.5);


--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_log_id_seq', 5, true);


--
-- Name: baseline_plans_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.baseline_plans_id_seq', 1, false);


--
-- Name: baselines_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.baselines_id_seq', 1, false);


--
-- Name: candidate_evaluations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.candidate_evaluations_id_seq', 1, false);


--
-- Name: dead_letters_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.dead_letters_id_seq', 1, false);


--
-- Name: decisions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.decisions_id_seq', 1, true);


--
-- Name: drift_evaluations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.drift_evaluations_id_seq', 1, true);


--
-- Name: embedding_blocks_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.embedding_blocks_id_seq', 1, true);


--
-- Name: exchanges_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.exchanges_id_seq', 40, true);


--
-- Name: gold_examples_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.gold_examples_id_seq', 1, false);


--
-- Name: human_evaluation_assignments_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.human_evaluation_assignments_id_seq', 1, false);


--
-- Name: human_evaluation_items_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.human_evaluation_items_id_seq', 1, false);


--
-- Name: human_evaluation_ratings_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.human_evaluation_ratings_id_seq', 1, false);


--
-- Name: human_evaluation_responses_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.human_evaluation_responses_id_seq', 1, false);


--
-- Name: human_evaluations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.human_evaluations_id_seq', 1, false);


--
-- Name: incidents_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.incidents_id_seq', 1, false);


--
-- Name: invitations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.invitations_id_seq', 1, false);


--
-- Name: looks_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.looks_id_seq', 1, false);


--
-- Name: model_scores_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.model_scores_id_seq', 1, false);


--
-- Name: model_versions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.model_versions_id_seq', 1, false);


--
-- Name: offset_gaps_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.offset_gaps_id_seq', 1, false);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 1, false);


--
-- Name: pending_halves_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.pending_halves_id_seq', 1, false);


--
-- Name: review_assignments_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_assignments_id_seq', 1, false);


--
-- Name: review_audits_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_audits_id_seq', 1, false);


--
-- Name: review_batches_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_batches_id_seq', 1, true);


--
-- Name: review_draws_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_draws_id_seq', 40, true);


--
-- Name: review_items_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_items_id_seq', 40, true);


--
-- Name: review_messages_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_messages_id_seq', 1, false);


--
-- Name: review_proposals_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.review_proposals_id_seq', 1, false);


--
-- Name: reviews_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.reviews_id_seq', 1, false);


--
-- Name: rollouts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.rollouts_id_seq', 1, false);


--
-- Name: stage_changes_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.stage_changes_id_seq', 1, false);


--
-- Name: training_runs_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.training_runs_id_seq', 1, false);


--
-- Name: users_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.users_id_seq', 4, true);


--
-- Name: watch_pauses_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.watch_pauses_id_seq', 1, false);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: audit_log pk_audit_log; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);


--
-- Name: baseline_plans pk_baseline_plans; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baseline_plans
    ADD CONSTRAINT pk_baseline_plans PRIMARY KEY (id);


--
-- Name: baselines pk_baselines; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baselines
    ADD CONSTRAINT pk_baselines PRIMARY KEY (id);


--
-- Name: candidate_evaluations pk_candidate_evaluations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.candidate_evaluations
    ADD CONSTRAINT pk_candidate_evaluations PRIMARY KEY (id);


--
-- Name: dead_letters pk_dead_letters; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (id);


--
-- Name: decisions pk_decisions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT pk_decisions PRIMARY KEY (id);


--
-- Name: drift_evaluations pk_drift_evaluations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drift_evaluations
    ADD CONSTRAINT pk_drift_evaluations PRIMARY KEY (id);


--
-- Name: embedding_blocks pk_embedding_blocks; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_blocks
    ADD CONSTRAINT pk_embedding_blocks PRIMARY KEY (id);


--
-- Name: exchanges pk_exchanges; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exchanges
    ADD CONSTRAINT pk_exchanges PRIMARY KEY (id);


--
-- Name: gold_examples pk_gold_examples; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gold_examples
    ADD CONSTRAINT pk_gold_examples PRIMARY KEY (id);


--
-- Name: human_evaluation_assignments pk_human_evaluation_assignments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_assignments
    ADD CONSTRAINT pk_human_evaluation_assignments PRIMARY KEY (id);


--
-- Name: human_evaluation_items pk_human_evaluation_items; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_items
    ADD CONSTRAINT pk_human_evaluation_items PRIMARY KEY (id);


--
-- Name: human_evaluation_keys pk_human_evaluation_keys; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_keys
    ADD CONSTRAINT pk_human_evaluation_keys PRIMARY KEY (response_id, system);


--
-- Name: human_evaluation_ratings pk_human_evaluation_ratings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_ratings
    ADD CONSTRAINT pk_human_evaluation_ratings PRIMARY KEY (id);


--
-- Name: human_evaluation_responses pk_human_evaluation_responses; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_responses
    ADD CONSTRAINT pk_human_evaluation_responses PRIMARY KEY (id);


--
-- Name: human_evaluations pk_human_evaluations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations
    ADD CONSTRAINT pk_human_evaluations PRIMARY KEY (id);


--
-- Name: incidents pk_incidents; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT pk_incidents PRIMARY KEY (id);


--
-- Name: invitations pk_invitations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT pk_invitations PRIMARY KEY (id);


--
-- Name: looks pk_looks; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.looks
    ADD CONSTRAINT pk_looks PRIMARY KEY (id);


--
-- Name: model_scores pk_model_scores; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_scores
    ADD CONSTRAINT pk_model_scores PRIMARY KEY (id);


--
-- Name: model_versions pk_model_versions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions
    ADD CONSTRAINT pk_model_versions PRIMARY KEY (id);


--
-- Name: offset_gaps pk_offset_gaps; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.offset_gaps
    ADD CONSTRAINT pk_offset_gaps PRIMARY KEY (id);


--
-- Name: outbox pk_outbox; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);


--
-- Name: pending_halves pk_pending_halves; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pending_halves
    ADD CONSTRAINT pk_pending_halves PRIMARY KEY (id);


--
-- Name: registry_mirrors pk_registry_mirrors; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.registry_mirrors
    ADD CONSTRAINT pk_registry_mirrors PRIMARY KEY (model);


--
-- Name: reports pk_reports; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reports
    ADD CONSTRAINT pk_reports PRIMARY KEY (evaluation_id, kind);


--
-- Name: review_assignments pk_review_assignments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_assignments
    ADD CONSTRAINT pk_review_assignments PRIMARY KEY (id);


--
-- Name: review_audits pk_review_audits; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_audits
    ADD CONSTRAINT pk_review_audits PRIMARY KEY (id);


--
-- Name: review_batches pk_review_batches; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_batches
    ADD CONSTRAINT pk_review_batches PRIMARY KEY (id);


--
-- Name: review_draws pk_review_draws; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_draws
    ADD CONSTRAINT pk_review_draws PRIMARY KEY (id);


--
-- Name: review_items pk_review_items; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_items
    ADD CONSTRAINT pk_review_items PRIMARY KEY (id);


--
-- Name: review_messages pk_review_messages; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_messages
    ADD CONSTRAINT pk_review_messages PRIMARY KEY (id);


--
-- Name: review_proposals pk_review_proposals; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_proposals
    ADD CONSTRAINT pk_review_proposals PRIMARY KEY (id);


--
-- Name: reviews pk_reviews; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT pk_reviews PRIMARY KEY (id);


--
-- Name: rollouts pk_rollouts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT pk_rollouts PRIMARY KEY (id);


--
-- Name: sign_in_attempts pk_sign_in_attempts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sign_in_attempts
    ADD CONSTRAINT pk_sign_in_attempts PRIMARY KEY (key);


--
-- Name: slow_drift_windows pk_slow_drift_windows; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.slow_drift_windows
    ADD CONSTRAINT pk_slow_drift_windows PRIMARY KEY (evaluation_id);


--
-- Name: source_offsets pk_source_offsets; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.source_offsets
    ADD CONSTRAINT pk_source_offsets PRIMARY KEY (source, partition);


--
-- Name: stage_changes pk_stage_changes; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stage_changes
    ADD CONSTRAINT pk_stage_changes PRIMARY KEY (id);


--
-- Name: taxonomy_versions pk_taxonomy_versions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.taxonomy_versions
    ADD CONSTRAINT pk_taxonomy_versions PRIMARY KEY (version);


--
-- Name: training_runs pk_training_runs; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_runs
    ADD CONSTRAINT pk_training_runs PRIMARY KEY (id);


--
-- Name: unlisted_exchanges pk_unlisted_exchanges; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unlisted_exchanges
    ADD CONSTRAINT pk_unlisted_exchanges PRIMARY KEY (source, model, day);


--
-- Name: user_grants pk_user_grants; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_grants
    ADD CONSTRAINT pk_user_grants PRIMARY KEY (user_id, model);


--
-- Name: users pk_users; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);


--
-- Name: watch_pauses pk_watch_pauses; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watch_pauses
    ADD CONSTRAINT pk_watch_pauses PRIMARY KEY (id);


--
-- Name: web_sessions pk_web_sessions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.web_sessions
    ADD CONSTRAINT pk_web_sessions PRIMARY KEY (key);


--
-- Name: withheld_exchanges pk_withheld_exchanges; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.withheld_exchanges
    ADD CONSTRAINT pk_withheld_exchanges PRIMARY KEY (source, model, day);


--
-- Name: audit_log uq_audit_log_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT uq_audit_log_hash UNIQUE (hash);


--
-- Name: baselines uq_baselines_digest; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baselines
    ADD CONSTRAINT uq_baselines_digest UNIQUE (digest);


--
-- Name: dead_letters uq_dead_letters_position; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT uq_dead_letters_position UNIQUE (source, partition, "offset", record_index);


--
-- Name: decisions uq_decisions_batch_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT uq_decisions_batch_id UNIQUE (batch_id);


--
-- Name: drift_evaluations uq_drift_evaluations_window; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drift_evaluations
    ADD CONSTRAINT uq_drift_evaluations_window UNIQUE (model, window_start, window_end);


--
-- Name: exchanges uq_exchanges_position; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exchanges
    ADD CONSTRAINT uq_exchanges_position UNIQUE (source, partition, "offset", record_index);


--
-- Name: human_evaluation_assignments uq_human_evaluation_assignments_reviewer; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_assignments
    ADD CONSTRAINT uq_human_evaluation_assignments_reviewer UNIQUE (item_id, reviewer_id);


--
-- Name: human_evaluation_items uq_human_evaluation_items_item; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_items
    ADD CONSTRAINT uq_human_evaluation_items_item UNIQUE (human_evaluation_id, benchmark, benchmark_item_id);


--
-- Name: human_evaluation_items uq_human_evaluation_items_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_items
    ADD CONSTRAINT uq_human_evaluation_items_number UNIQUE (human_evaluation_id, number);


--
-- Name: human_evaluation_ratings uq_human_evaluation_ratings_response; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_ratings
    ADD CONSTRAINT uq_human_evaluation_ratings_response UNIQUE (response_id, reviewer_id);


--
-- Name: human_evaluations uq_human_evaluations_candidate_evaluation_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations
    ADD CONSTRAINT uq_human_evaluations_candidate_evaluation_id UNIQUE (candidate_evaluation_id);


--
-- Name: invitations uq_invitations_token_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT uq_invitations_token_hash UNIQUE (token_hash);


--
-- Name: looks uq_looks_hour; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.looks
    ADD CONSTRAINT uq_looks_hour UNIQUE (model, looked_until);


--
-- Name: model_scores uq_model_scores; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_scores
    ADD CONSTRAINT uq_model_scores UNIQUE (version_id, benchmark, stratum, metric);


--
-- Name: model_versions uq_model_versions_training_run_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions
    ADD CONSTRAINT uq_model_versions_training_run_id UNIQUE (training_run_id);


--
-- Name: model_versions uq_model_versions_version; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions
    ADD CONSTRAINT uq_model_versions_version UNIQUE (model, version);


--
-- Name: outbox uq_outbox_dedupe_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT uq_outbox_dedupe_key UNIQUE (dedupe_key);


--
-- Name: pending_halves uq_pending_halves_side; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pending_halves
    ADD CONSTRAINT uq_pending_halves_side UNIQUE (source, join_id, side);


--
-- Name: review_assignments uq_review_assignments_reviewer; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_assignments
    ADD CONSTRAINT uq_review_assignments_reviewer UNIQUE (item_id, reviewer_id);


--
-- Name: review_audits uq_review_audits_revision; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_audits
    ADD CONSTRAINT uq_review_audits_revision UNIQUE (item_id, revision);


--
-- Name: review_batches uq_review_batches_evaluation_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_batches
    ADD CONSTRAINT uq_review_batches_evaluation_id UNIQUE (evaluation_id);


--
-- Name: review_draws uq_review_draws_item; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_draws
    ADD CONSTRAINT uq_review_draws_item UNIQUE (batch_id, item_id);


--
-- Name: review_items uq_review_items_exchange; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_items
    ADD CONSTRAINT uq_review_items_exchange UNIQUE (batch_id, exchange_id);


--
-- Name: review_proposals uq_review_proposals_reviewer; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_proposals
    ADD CONSTRAINT uq_review_proposals_reviewer UNIQUE (item_id, reviewer_id);


--
-- Name: reviews uq_reviews_reviewer; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT uq_reviews_reviewer UNIQUE (item_id, reviewer_id);


--
-- Name: rollouts uq_rollouts_version_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT uq_rollouts_version_id UNIQUE (version_id);


--
-- Name: training_runs uq_training_runs_decision_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_runs
    ADD CONSTRAINT uq_training_runs_decision_id UNIQUE (decision_id);


--
-- Name: users uq_users_email; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_email UNIQUE (email);


--
-- Name: users uq_users_identity; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_identity UNIQUE (identity);


--
-- Name: users uq_users_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_name UNIQUE (name);


--
-- Name: ix_baseline_plans_model; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_baseline_plans_model ON public.baseline_plans USING btree (model);


--
-- Name: ix_baselines_model; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_baselines_model ON public.baselines USING btree (model);


--
-- Name: ix_candidate_evaluations_version_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_candidate_evaluations_version_id ON public.candidate_evaluations USING btree (version_id);


--
-- Name: ix_dead_letters_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_dead_letters_age ON public.dead_letters USING btree (received_at, id);


--
-- Name: ix_exchanges_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_age ON public.exchanges USING btree (received_at, id);


--
-- Name: ix_exchanges_baseline_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_baseline_id ON public.exchanges USING btree (baseline_id);


--
-- Name: ix_exchanges_block_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_block_id ON public.exchanges USING btree (block_id);


--
-- Name: ix_exchanges_end_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_end_user ON public.exchanges USING btree (end_user);


--
-- Name: ix_exchanges_exchange_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_exchange_id ON public.exchanges USING btree (exchange_id);


--
-- Name: ix_exchanges_window; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_exchanges_window ON public.exchanges USING btree (model, occurred_at);


--
-- Name: ix_gold_examples_item_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_gold_examples_item_id ON public.gold_examples USING btree (item_id);


--
-- Name: ix_human_evaluation_assignments_reviewer_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_human_evaluation_assignments_reviewer_id ON public.human_evaluation_assignments USING btree (reviewer_id);


--
-- Name: ix_human_evaluation_responses_item_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_human_evaluation_responses_item_id ON public.human_evaluation_responses USING btree (item_id);


--
-- Name: ix_invitations_user_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_invitations_user_id ON public.invitations USING btree (user_id);


--
-- Name: ix_outbox_next_attempt_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_next_attempt_at ON public.outbox USING btree (next_attempt_at);


--
-- Name: ix_pending_halves_claimed_until; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_pending_halves_claimed_until ON public.pending_halves USING btree (claimed_until) WHERE (claimed_until IS NOT NULL);


--
-- Name: ix_pending_halves_end_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_pending_halves_end_user ON public.pending_halves USING btree (end_user);


--
-- Name: ix_pending_halves_occurred_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_pending_halves_occurred_at ON public.pending_halves USING btree (source, occurred_at);


--
-- Name: ix_pending_halves_received_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_pending_halves_received_at ON public.pending_halves USING btree (received_at);


--
-- Name: ix_pending_halves_stored_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_pending_halves_stored_at ON public.pending_halves USING btree (stored_at);


--
-- Name: ix_review_assignments_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_assignments_expires_at ON public.review_assignments USING btree (expires_at);


--
-- Name: ix_review_assignments_reviewer_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_assignments_reviewer_id ON public.review_assignments USING btree (reviewer_id);


--
-- Name: ix_review_draws_item_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_draws_item_id ON public.review_draws USING btree (item_id);


--
-- Name: ix_review_draws_text_digest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_draws_text_digest ON public.review_draws USING btree (text_digest);


--
-- Name: ix_review_items_exchange_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_items_exchange_id ON public.review_items USING btree (exchange_id);


--
-- Name: ix_review_items_queue; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_items_queue ON public.review_items USING btree (status, batch_id, "position", task_type);


--
-- Name: ix_review_messages_item_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_review_messages_item_id ON public.review_messages USING btree (item_id);


--
-- Name: ix_reviews_reviewer_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_reviews_reviewer_id ON public.reviews USING btree (reviewer_id);


--
-- Name: ix_sign_in_attempts_last_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_sign_in_attempts_last_at ON public.sign_in_attempts USING btree (last_at);


--
-- Name: ix_stage_changes_version_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_stage_changes_version_id ON public.stage_changes USING btree (version_id);


--
-- Name: ix_web_sessions_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_web_sessions_expires_at ON public.web_sessions USING btree (expires_at);


--
-- Name: uq_candidate_evaluations_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_candidate_evaluations_open ON public.candidate_evaluations USING btree (version_id) WHERE (finished_at IS NULL);


--
-- Name: uq_gold_examples_standing; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_gold_examples_standing ON public.gold_examples USING btree (item_id) WHERE (superseded_at IS NULL);


--
-- Name: uq_incidents_open_model; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_incidents_open_model ON public.incidents USING btree (model) WHERE (resolved_at IS NULL);


--
-- Name: uq_model_versions_production; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_model_versions_production ON public.model_versions USING btree (model) WHERE ((stage)::text = 'production'::text);


--
-- Name: uq_watch_pauses_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_watch_pauses_open ON public.watch_pauses USING btree (model) WHERE (resumed_at IS NULL);


--
-- Name: audit_log audit_log_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.audit_log_refuse();


--
-- Name: baseline_plans fk_baseline_plans_baseline_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baseline_plans
    ADD CONSTRAINT fk_baseline_plans_baseline_id FOREIGN KEY (baseline_id) REFERENCES public.baselines(id);


--
-- Name: baseline_plans fk_baseline_plans_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.baseline_plans
    ADD CONSTRAINT fk_baseline_plans_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: candidate_evaluations fk_candidate_evaluations_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.candidate_evaluations
    ADD CONSTRAINT fk_candidate_evaluations_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: decisions fk_decisions_batch_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT fk_decisions_batch_id FOREIGN KEY (batch_id) REFERENCES public.review_batches(id);


--
-- Name: drift_evaluations fk_drift_evaluations_baseline_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drift_evaluations
    ADD CONSTRAINT fk_drift_evaluations_baseline_id FOREIGN KEY (baseline_id) REFERENCES public.baselines(id);


--
-- Name: exchanges fk_exchanges_baseline_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exchanges
    ADD CONSTRAINT fk_exchanges_baseline_id FOREIGN KEY (baseline_id) REFERENCES public.baselines(id);


--
-- Name: exchanges fk_exchanges_block_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exchanges
    ADD CONSTRAINT fk_exchanges_block_id FOREIGN KEY (block_id) REFERENCES public.embedding_blocks(id);


--
-- Name: gold_examples fk_gold_examples_decided_by_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gold_examples
    ADD CONSTRAINT fk_gold_examples_decided_by_id FOREIGN KEY (decided_by_id) REFERENCES public.users(id);


--
-- Name: gold_examples fk_gold_examples_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gold_examples
    ADD CONSTRAINT fk_gold_examples_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: human_evaluation_assignments fk_human_evaluation_assignments_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_assignments
    ADD CONSTRAINT fk_human_evaluation_assignments_item_id FOREIGN KEY (item_id) REFERENCES public.human_evaluation_items(id);


--
-- Name: human_evaluation_assignments fk_human_evaluation_assignments_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_assignments
    ADD CONSTRAINT fk_human_evaluation_assignments_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: human_evaluation_items fk_human_evaluation_items_human_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_items
    ADD CONSTRAINT fk_human_evaluation_items_human_evaluation_id FOREIGN KEY (human_evaluation_id) REFERENCES public.human_evaluations(id);


--
-- Name: human_evaluation_keys fk_human_evaluation_keys_response_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_keys
    ADD CONSTRAINT fk_human_evaluation_keys_response_id FOREIGN KEY (response_id) REFERENCES public.human_evaluation_responses(id);


--
-- Name: human_evaluation_ratings fk_human_evaluation_ratings_response_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_ratings
    ADD CONSTRAINT fk_human_evaluation_ratings_response_id FOREIGN KEY (response_id) REFERENCES public.human_evaluation_responses(id);


--
-- Name: human_evaluation_ratings fk_human_evaluation_ratings_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_ratings
    ADD CONSTRAINT fk_human_evaluation_ratings_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: human_evaluation_responses fk_human_evaluation_responses_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluation_responses
    ADD CONSTRAINT fk_human_evaluation_responses_item_id FOREIGN KEY (item_id) REFERENCES public.human_evaluation_items(id);


--
-- Name: human_evaluations fk_human_evaluations_candidate_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations
    ADD CONSTRAINT fk_human_evaluations_candidate_evaluation_id FOREIGN KEY (candidate_evaluation_id) REFERENCES public.candidate_evaluations(id);


--
-- Name: human_evaluations fk_human_evaluations_locked_by_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations
    ADD CONSTRAINT fk_human_evaluations_locked_by_id FOREIGN KEY (locked_by_id) REFERENCES public.users(id);


--
-- Name: human_evaluations fk_human_evaluations_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.human_evaluations
    ADD CONSTRAINT fk_human_evaluations_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: incidents fk_incidents_last_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT fk_incidents_last_evaluation_id FOREIGN KEY (last_evaluation_id) REFERENCES public.drift_evaluations(id);


--
-- Name: incidents fk_incidents_last_look_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT fk_incidents_last_look_id FOREIGN KEY (last_look_id) REFERENCES public.looks(id);


--
-- Name: incidents fk_incidents_opening_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT fk_incidents_opening_evaluation_id FOREIGN KEY (opening_evaluation_id) REFERENCES public.drift_evaluations(id);


--
-- Name: incidents fk_incidents_opening_look_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT fk_incidents_opening_look_id FOREIGN KEY (opening_look_id) REFERENCES public.looks(id);


--
-- Name: invitations fk_invitations_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT fk_invitations_user_id FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: model_scores fk_model_scores_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_scores
    ADD CONSTRAINT fk_model_scores_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: model_versions fk_model_versions_parent_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions
    ADD CONSTRAINT fk_model_versions_parent_id FOREIGN KEY (parent_id) REFERENCES public.model_versions(id);


--
-- Name: model_versions fk_model_versions_training_run_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_versions
    ADD CONSTRAINT fk_model_versions_training_run_id FOREIGN KEY (training_run_id) REFERENCES public.training_runs(id);


--
-- Name: outbox fk_outbox_incident_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT fk_outbox_incident_id FOREIGN KEY (incident_id) REFERENCES public.incidents(id);


--
-- Name: reports fk_reports_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reports
    ADD CONSTRAINT fk_reports_evaluation_id FOREIGN KEY (evaluation_id) REFERENCES public.drift_evaluations(id);


--
-- Name: review_assignments fk_review_assignments_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_assignments
    ADD CONSTRAINT fk_review_assignments_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: review_assignments fk_review_assignments_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_assignments
    ADD CONSTRAINT fk_review_assignments_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: review_audits fk_review_audits_auditor_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_audits
    ADD CONSTRAINT fk_review_audits_auditor_id FOREIGN KEY (auditor_id) REFERENCES public.users(id);


--
-- Name: review_audits fk_review_audits_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_audits
    ADD CONSTRAINT fk_review_audits_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: review_batches fk_review_batches_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_batches
    ADD CONSTRAINT fk_review_batches_evaluation_id FOREIGN KEY (evaluation_id) REFERENCES public.drift_evaluations(id);


--
-- Name: review_draws fk_review_draws_batch_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_draws
    ADD CONSTRAINT fk_review_draws_batch_id FOREIGN KEY (batch_id) REFERENCES public.review_batches(id);


--
-- Name: review_draws fk_review_draws_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_draws
    ADD CONSTRAINT fk_review_draws_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: review_items fk_review_items_batch_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_items
    ADD CONSTRAINT fk_review_items_batch_id FOREIGN KEY (batch_id) REFERENCES public.review_batches(id);


--
-- Name: review_items fk_review_items_exchange_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_items
    ADD CONSTRAINT fk_review_items_exchange_id FOREIGN KEY (exchange_id) REFERENCES public.exchanges(id);


--
-- Name: review_messages fk_review_messages_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_messages
    ADD CONSTRAINT fk_review_messages_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: review_messages fk_review_messages_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_messages
    ADD CONSTRAINT fk_review_messages_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: review_proposals fk_review_proposals_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_proposals
    ADD CONSTRAINT fk_review_proposals_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: review_proposals fk_review_proposals_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.review_proposals
    ADD CONSTRAINT fk_review_proposals_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: reviews fk_reviews_item_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT fk_reviews_item_id FOREIGN KEY (item_id) REFERENCES public.review_items(id);


--
-- Name: reviews fk_reviews_reviewer_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT fk_reviews_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.users(id);


--
-- Name: rollouts fk_rollouts_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT fk_rollouts_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: slow_drift_windows fk_slow_drift_windows_evaluation_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.slow_drift_windows
    ADD CONSTRAINT fk_slow_drift_windows_evaluation_id FOREIGN KEY (evaluation_id) REFERENCES public.drift_evaluations(id);


--
-- Name: stage_changes fk_stage_changes_version_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stage_changes
    ADD CONSTRAINT fk_stage_changes_version_id FOREIGN KEY (version_id) REFERENCES public.model_versions(id);


--
-- Name: training_runs fk_training_runs_decision_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_runs
    ADD CONSTRAINT fk_training_runs_decision_id FOREIGN KEY (decision_id) REFERENCES public.decisions(id);


--
-- Name: user_grants fk_user_grants_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_grants
    ADD CONSTRAINT fk_user_grants_user_id FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- PostgreSQL database dump complete
--


