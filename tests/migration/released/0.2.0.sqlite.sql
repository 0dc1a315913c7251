BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE audit_log (
	id INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	details JSON NOT NULL, 
	previous_hash VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_audit_log PRIMARY KEY (id), 
	CONSTRAINT uq_audit_log_hash UNIQUE (hash)
);
INSERT INTO "audit_log" VALUES(1,'2026-11-02 09:00:00.000000','driftwarden','batch_created','batch:1','{"control":40,"drift":0,"cluster":0,"reused":0}','0000000000000000000000000000000000000000000000000000000000000000','7ce2254f0119c985ac81eb15c868ec5845b8685a762cc17bfa966aabd22b5e33');
INSERT INTO "audit_log" VALUES(2,'2026-11-02 09:00:00.000000','driftwarden','user_added','user:Ada','{"role":"reviewer","models":["*"],"task_types":[]}','7ce2254f0119c985ac81eb15c868ec5845b8685a762cc17bfa966aabd22b5e33','7bc4a27bf2b4b565c24f057d0f2747b74ff4fc1dd5f912e0b052fc2a84b405cd');
INSERT INTO "audit_log" VALUES(3,'2026-11-02 09:00:00.000000','driftwarden','user_added','user:Ben','{"role":"reviewer","models":["*"],"task_types":[]}','7bc4a27bf2b4b565c24f057d0f2747b74ff4fc1dd5f912e0b052fc2a84b405cd','c3b05f112de454287504fe7c884349b1b58d51b396ee13ecf76b7084004983d8');
INSERT INTO "audit_log" VALUES(4,'2026-11-02 09:00:00.000000','driftwarden','user_added','user:Cleo','{"role":"adjudicator","models":["*"],"task_types":[]}','c3b05f112de454287504fe7c884349b1b58d51b396ee13ecf76b7084004983d8','a80de1f9539c5eb53fba02d911dfbdadce5ad2fbd398bca1e2b989774d8bf157');
INSERT INTO "audit_log" VALUES(5,'2026-11-02 09:00:00.000000','driftwarden','user_added','user:Lea','{"role":"lead","models":["*"],"task_types":[]}','a80de1f9539c5eb53fba02d911dfbdadce5ad2fbd398bca1e2b989774d8bf157','49c67d64c019926c6656951077fb8bda18399fc22b2bfea91b1996bc7d5b7473');
CREATE TABLE baseline_plans (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	version_id INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	searched_until DATETIME, 
	baseline_id INTEGER, 
	closed_at DATETIME, 
	CONSTRAINT pk_baseline_plans PRIMARY KEY (id), 
	CONSTRAINT fk_baseline_plans_baseline_id FOREIGN KEY(baseline_id) REFERENCES baselines (id), 
	CONSTRAINT fk_baseline_plans_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id)
);
INSERT INTO "baseline_plans" VALUES(1,'model',1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000',1,'2026-11-02 09:00:00.000000');
CREATE TABLE baselines (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	n_exchanges INTEGER NOT NULL, 
	encoder VARCHAR NOT NULL, 
	model_version VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_baselines PRIMARY KEY (id), 
	CONSTRAINT uq_baselines_digest UNIQUE (digest)
);
INSERT INTO "baselines" VALUES(1,'model','digest',1,'encoder','model_version','2026-11-02 09:00:00.000000');
CREATE TABLE candidate_evaluations (
	id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	launcher VARCHAR NOT NULL, 
	handle JSON, 
	work_dir VARCHAR NOT NULL, 
	request JSON NOT NULL, 
	file_digest VARCHAR NOT NULL, 
	dataset_digests JSON, 
	attempts INTEGER NOT NULL, 
	next_attempt_at DATETIME NOT NULL, 
	results JSON, 
	gate_result VARCHAR, 
	error VARCHAR, 
	termination_error VARCHAR, 
	planned_by VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	approved_by VARCHAR, 
	approved_reason VARCHAR, 
	approved_at DATETIME, 
	CONSTRAINT pk_candidate_evaluations PRIMARY KEY (id), 
	CONSTRAINT fk_candidate_evaluations_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id)
);
INSERT INTO "candidate_evaluations" VALUES(1,1,'failed','launcher','{}','work_dir','{}','file_digest','{}',1,'2026-11-02 09:00:00.000000',NULL,'gate_result','error','termination_error','planned_by','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','approved_by','approved_reason','2026-11-02 09:00:00.000000');
CREATE TABLE dead_letters (
	id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" INTEGER NOT NULL, 
	record_index INTEGER NOT NULL, 
	last_offset INTEGER, 
	"key" BLOB, 
	value BLOB, 
	reason VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	randomness INTEGER NOT NULL, 
	threshold INTEGER NOT NULL, 
	inclusion_probability DOUBLE NOT NULL, 
	received_at DATETIME NOT NULL, 
	replayed_at DATETIME, 
	CONSTRAINT pk_dead_letters PRIMARY KEY (id), 
	CONSTRAINT uq_dead_letters_position UNIQUE (source, partition, "offset", record_index)
);
INSERT INTO "dead_letters" VALUES(1,'source',1,1,1,1,X'00FF',X'00FF','reason','detail',1,1,0.5,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	recommendation VARCHAR NOT NULL, 
	inputs JSON NOT NULL, 
	decided_at DATETIME NOT NULL, 
	confirmed_by VARCHAR, 
	confirmed_at DATETIME, 
	CONSTRAINT pk_decisions PRIMARY KEY (id), 
	CONSTRAINT fk_decisions_batch_id FOREIGN KEY(batch_id) REFERENCES review_batches (id), 
	CONSTRAINT uq_decisions_batch_id UNIQUE (batch_id)
);
INSERT INTO "decisions" VALUES(1,1,'assistant','undecided','{"batches":[1],"control":{"n_drawn":40,"n_excluded":0,"n":0,"errors":0,"n_reused":0,"missing_share":1.0},"control_of_batch":{"n_drawn":40,"n_excluded":0,"n":0,"errors":0,"n_reused":0,"missing_share":1.0},"rate":null,"baseline":{"errors":32.0,"n":400,"rate":0.08,"lower":0.05723575041013351,"upper":0.11075457683067555,"from":"review.baseline_error_rate"},"rise":null,"confidence":0.99,"agreement":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null,"minimum":0.667},"agreement_by_task_type":{"card_lost":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"crypto_withdrawal":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"fees":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"instant_transfer":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null}},"agreement_of_scores":{"accuracy":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"completeness":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"tone":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null},"compliance":{"n_items":0,"raw":null,"alpha":null,"alpha_lower":null,"alpha_upper":null,"ac1":null,"ac1_lower":null,"ac1_upper":null}},"drifted_gold":0,"min_drifted_gold":50,"error_causes":{"n_wrong":0,"n_rated":0,"effective_n":0.0,"shares":{},"minimum":30},"traffic":null,"by_task_type":{},"by_cluster":[],"error_kinds":{},"error_kinds_control":{},"kinds":{},"missing":"control","reasons":["0 of 40 control items are decided. A decision needs 90%; review the remaining items."]}','2026-11-02 09:00:00.000000',NULL,NULL);
CREATE TABLE drift_evaluations (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	window_start DATETIME NOT NULL, 
	window_end DATETIME NOT NULL, 
	status VARCHAR NOT NULL, 
	verdict VARCHAR, 
	seed INTEGER NOT NULL, 
	baseline_id INTEGER, 
	provenance JSON NOT NULL, 
	assessment JSON, 
	sample_scores BLOB, 
	prompt_map BLOB, 
	error VARCHAR, 
	started_at DATETIME NOT NULL, 
	claimed_until DATETIME NOT NULL, 
	finished_at DATETIME, 
	followed_up_at DATETIME, 
	CONSTRAINT pk_drift_evaluations PRIMARY KEY (id), 
	CONSTRAINT fk_drift_evaluations_baseline_id FOREIGN KEY(baseline_id) REFERENCES baselines (id), 
	CONSTRAINT uq_drift_evaluations_window UNIQUE (model, window_start, window_end)
);
INSERT INTO "drift_evaluations" VALUES(1,'assistant','2026-10-26 09:00:00.000000','2026-11-02 09:00:00.000000','done','drift',1,NULL,'{}','{"schema_version":1,"model":"assistant","verdict":"drift","alarm":true,"headline":"Customers ask about two things the model was not trained for: crypto and instant transfers.","n_reference":800,"n_current":40,"estimated_current":null,"n_withheld":0,"input":{"family":"input","verdict":"drift","alarm":true,"p_value":0.0002,"drifted_share":{"estimate":0.11,"lower":0.055,"upper":0.165},"shift":null,"is_shift":false,"descriptors":[],"untested_reason":null,"unread_reference":null,"unread_current":null,"tests":[{"name":"kernel two-sample","statistic":0.0123,"p_value":0.0001,"adjusted_p_value":0.0002,"effect_size":0.21,"effect_lower":null,"effect_upper":null},{"name":"novelty","statistic":3.1,"p_value":0.0004,"adjusted_p_value":0.0004,"effect_size":0.3,"effect_lower":null,"effect_upper":null}],"topics":[{"index":0,"name":"bitcoin, wallet, sold","n_current":14,"n_end_users":11,"share_current":0.07,"share_reference":0.002,"enrichment":35.0,"enrichment_lower":12.0,"enrichment_upper":99.0,"examples":[{"prompt":"How long does it take until bitcoin I sold in the app shows up as euros?","response":"","baseline":null},{"prompt":"Can I move my bitcoin to my own wallet?","response":"","baseline":null},{"prompt":"What does it cost to sell 0.1 BTC?","response":"","baseline":null},{"prompt":"<script>alert(1)</script> is my wallet safe?","response":"","baseline":null}],"first_seen":null,"known_since":null,"exists_since":null,"may_be_older":false,"growth":[]},{"index":1,"name":"instant, pending, transfer","n_current":14,"n_end_users":11,"share_current":0.07,"share_reference":0.002,"enrichment":35.0,"enrichment_lower":12.0,"enrichment_upper":99.0,"examples":[{"prompt":"My instant transfer shows ''pending'' for two hours.","response":"","baseline":null}],"first_seen":null,"known_since":null,"exists_since":null,"may_be_older":false,"growth":[]}],"outliers":[],"slow":null},"output":{"family":"output","verdict":"no_drift","alarm":false,"p_value":0.21,"drifted_share":{"estimate":0.0,"lower":0.0,"upper":0.0},"shift":null,"is_shift":false,"descriptors":[],"untested_reason":null,"unread_reference":null,"unread_current":null,"tests":[{"name":"kernel two-sample","statistic":0.0123,"p_value":0.0001,"adjusted_p_value":0.0002,"effect_size":0.21,"effect_lower":null,"effect_upper":null}],"topics":[],"outliers":[],"slow":null},"detectable_shares":[],"numeric_columns":[{"name":"length_characters","side":"response","direction":0,"n_reference":800,"n_current":40,"reference_mean":212.0,"current_mean":171.0,"effect_size":-0.18,"effect_lower":null,"effect_upper":null,"relative_change":-0.193,"relative_change_lower":-0.24,"relative_change_upper":-0.14,"p_value":0.0003,"adjusted_p_value":0.001,"degraded":false}],"mix_current":{"card_lost":0.3,"fees":0.25,"instant_transfer":0.25,"":0.2},"mix_reference":{"card_lost":0.5,"fees":0.5},"mix_other":null,"mix_p_value":null,"mix_effect_size":null,"remarks":["Sunday had no traffic."],"versions":[],"basis":{"seed":7,"settings":{"false_alarms_a_year":0.5},"levels":{"input":0.005,"output":0.001,"metrics":0.00028846153846153843,"slow":0.013,"looks":0.0001923076923076923},"encoder":"","reference":{"name":"","digest":"","n_end_users":null,"first":null,"last":null},"current":{"name":"","digest":"","n_end_users":null,"first":null,"last":null},"versions":{}}}',X'504B03042D0000000800000021008300D4F5FFFFFFFFFFFFFFFF070014006964732E6E707901001000C0010000000000009B000000000000009DC8BB0EC1600086E1D6599DCF677EC7BF920E068388D9462C0693345A211195562CE22ADCB08AF70A7CCB93EF7DAFB7ABCD4E551ECA535AB67770E55CC8C579260D218F8E7B77CDEBDE712DFBDB97E6C5B3FDEE9DCC9BED7F7D3A31C6867889FFA7A9CA6F010C6208C318C128C6308E1A263089294C6306B398C33C16B088252C6305AB58C33A36B0892D6C63070576B1877D1CE010472851C70F504B03042D0000000800000021008625DB77FFFFFFFFFFFFFFFF0B0014006E6F76656C74792E6E7079010010002001000000000000DD000000000000009BEC17EA1B10C9C850C650AD9E925A9C5CA46EA5A06E9366A2AEA3A09E965F54529498179F5F94920A12774BCC294E058A17672416A402F91A26063A9A3A0AB50AE4032E062050E4BD64A3C81B647BB373AE2D906D6BEAC16C77B353D6AEF6B4B91D50DCEEA85F8E9DA947B31D7BE604A0F85CBBD5AB5601E5B6DBF9BF390294BF64F759F73E50CD1BBBE9F93F81EA98EDE7DDE0B467CF14B02FF829660F34C7DE494AC57EF52A2D7B116B437BA099F6CFA2EDECFDDFB8D8EFA8F1B6079A6FDF3537C2FEB36EBC7DCCBE547BA05DF67AF78BECA7E757DA333034D80300504B03042D00000008000000210045F0645FFFFFFFFFFFFFFFFF0B001400636C75737465722E6E70790100100020010000000000004D000000000000009BEC17EA1B10C9C850C650AD9E925A9C5CA46EA5A06E9369A2AEA3A09E965F54529498179F5F94920A12774BCC294E058A17672416A402F91A26063A9A3A0AB50AE403AEFF48800108061B1F00504B03042D00000008000000210090069889FFFFFFFFFFFFFFFF19001400696E636C7573696F6E5F70726F626162696C6974792E6E707901001000C0010000000000004F000000000000009BEC17EA1B10C9C850C650AD9E925A9C5CA46EA5A06E9366A1AEA3A09E965F54529498179F5F94920A12774BCC294E058A17672416A402F91A26063A9A3A0AB50AE403AE59334160A5FD284D1E0D00504B01022D032D0000000800000021008300D4F59B000000C00100000700000000000000000000008001000000006964732E6E7079504B01022D032D0000000800000021008625DB77DD000000200100000B00000000000000000000008001D40000006E6F76656C74792E6E7079504B01022D032D00000008000000210045F0645F4D000000200100000B00000000000000000000008001EE010000636C75737465722E6E7079504B01022D032D000000080000002100900698894F000000C0010000190000000000000000000000800178020000696E636C7573696F6E5F70726F626162696C6974792E6E7079504B05060000000004000400EE000000120300000000',NULL,NULL,'2026-11-02 09:00:00.000000','2026-11-02 10:00:00.000000','2026-11-02 09:00:00.000000',NULL);
CREATE TABLE embedding_blocks (
	id INTEGER NOT NULL, 
	encoder VARCHAR NOT NULL, 
	dimension INTEGER NOT NULL, 
	n_rows INTEGER NOT NULL, 
	prompt_vectors BLOB NOT NULL, 
	response_vectors BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_embedding_blocks PRIMARY KEY (id)
);
INSERT INTO "embedding_blocks" VALUES(1,'test',4,40,X'0038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038',X'0038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038003800380038','2026-11-02 09:00:00.000000');
CREATE TABLE exchanges (
	id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" INTEGER NOT NULL, 
	record_index INTEGER NOT NULL, 
	baseline_id INTEGER, 
	exchange_id VARCHAR NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	received_at DATETIME NOT NULL, 
	model VARCHAR NOT NULL, 
	task_type VARCHAR NOT NULL, 
	end_user VARCHAR NOT NULL, 
	messages JSON NOT NULL, 
	prompt VARCHAR NOT NULL, 
	response VARCHAR NOT NULL, 
	attributes JSON NOT NULL, 
	truncated BOOLEAN NOT NULL, 
	randomness INTEGER NOT NULL, 
	threshold INTEGER NOT NULL, 
	inclusion_probability DOUBLE NOT NULL, 
	candidate_threshold INTEGER NOT NULL, 
	min_sample_size INTEGER NOT NULL, 
	block_id INTEGER NOT NULL, 
	block_row INTEGER NOT NULL, 
	CONSTRAINT pk_exchanges PRIMARY KEY (id), 
	CONSTRAINT fk_exchanges_baseline_id FOREIGN KEY(baseline_id) REFERENCES baselines (id), 
	CONSTRAINT fk_exchanges_block_id FOREIGN KEY(block_id) REFERENCES embedding_blocks (id), 
	CONSTRAINT uq_exchanges_position UNIQUE (source, partition, "offset", record_index)
);
INSERT INTO "exchanges" VALUES(1,'test',0,0,0,NULL,'x0-0','2026-10-26 09:00:00.000000','2026-10-26 09:00:00.000000','assistant','card_lost','u0','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,0);
INSERT INTO "exchanges" VALUES(2,'test',0,1,0,NULL,'x0-1','2026-10-26 09:01:00.000000','2026-10-26 09:01:00.000000','assistant','instant_transfer','u1','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone?"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone?','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,1);
INSERT INTO "exchanges" VALUES(3,'test',0,2,0,NULL,'x0-2','2026-10-26 09:02:00.000000','2026-10-26 09:02:00.000000','assistant','fees','u2','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online?"}]','Why was I charged 1.75% when I paid in dollars online?','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,2);
INSERT INTO "exchanges" VALUES(4,'test',0,3,0,NULL,'x0-3','2026-10-26 09:03:00.000000','2026-10-26 09:03:00.000000','assistant','crypto_withdrawal','u3','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros?"}]','How long does it take until bitcoin I sold in the app shows up as euros?','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,3);
INSERT INTO "exchanges" VALUES(5,'test',0,4,0,NULL,'x0-4','2026-10-26 09:04:00.000000','2026-10-26 09:04:00.000000','assistant','card_lost','u4','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (4)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (4)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,4);
INSERT INTO "exchanges" VALUES(6,'test',0,5,0,NULL,'x0-5','2026-10-26 09:05:00.000000','2026-10-26 09:05:00.000000','assistant','instant_transfer','u5','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (5)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (5)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,5);
INSERT INTO "exchanges" VALUES(7,'test',0,6,0,NULL,'x0-6','2026-10-26 09:06:00.000000','2026-10-26 09:06:00.000000','assistant','fees','u6','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (6)"}]','Why was I charged 1.75% when I paid in dollars online? (6)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,6);
INSERT INTO "exchanges" VALUES(8,'test',0,7,0,NULL,'x0-7','2026-10-26 09:07:00.000000','2026-10-26 09:07:00.000000','assistant','crypto_withdrawal','u7','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (7)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (7)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,7);
INSERT INTO "exchanges" VALUES(9,'test',0,8,0,NULL,'x0-8','2026-10-26 09:08:00.000000','2026-10-26 09:08:00.000000','assistant','card_lost','u8','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (8)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (8)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,8);
INSERT INTO "exchanges" VALUES(10,'test',0,9,0,NULL,'x0-9','2026-10-26 09:09:00.000000','2026-10-26 09:09:00.000000','assistant','card_lost','u9','[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"Good evening. My bag was stolen in Lisbon an hour ago, with both cards in it. My flight home is tomorrow at 18:00, and I can''t even pay the hotel."},{"role":"assistant","content":"I''m very sorry to hear that. Have you been able to block the cards yet? You can do it in the app under Cards > Lost or stolen."},{"role":"user","content":"Yes, both are blocked. But how do I get at money tonight? And will I have to pay if somebody used them before I blocked them? There is one payment of €84.20 at a petrol station that isn''t mine."}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (9)','Thank you for blocking them so quickly. New cards will reach your home address within 5 working days.

Payments made before you blocked the cards can''t be refunded, so the €84.20 will stay on your account. Please ask a friend to send you money for the hotel.','{}',0,0,0,0.05,0,0,1,9);
INSERT INTO "exchanges" VALUES(11,'test',0,10,0,NULL,'x0-10','2026-10-26 09:10:00.000000','2026-10-26 09:10:00.000000','assistant','fees','u10','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (10)"}]','Why was I charged 1.75% when I paid in dollars online? (10)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,10);
INSERT INTO "exchanges" VALUES(12,'test',0,11,0,NULL,'x0-11','2026-10-26 09:11:00.000000','2026-10-26 09:11:00.000000','assistant','crypto_withdrawal','u11','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (11)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (11)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,11);
INSERT INTO "exchanges" VALUES(13,'test',0,12,0,NULL,'x0-12','2026-10-26 09:12:00.000000','2026-10-26 09:12:00.000000','assistant','card_lost','u12','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (12)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (12)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,12);
INSERT INTO "exchanges" VALUES(14,'test',0,13,0,NULL,'x0-13','2026-10-26 09:13:00.000000','2026-10-26 09:13:00.000000','assistant','instant_transfer','u13','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (13)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (13)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,13);
INSERT INTO "exchanges" VALUES(15,'test',0,14,0,NULL,'x0-14','2026-10-26 09:14:00.000000','2026-10-26 09:14:00.000000','assistant','fees','u14','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (14)"}]','Why was I charged 1.75% when I paid in dollars online? (14)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,14);
INSERT INTO "exchanges" VALUES(16,'test',0,15,0,NULL,'x0-15','2026-10-26 09:15:00.000000','2026-10-26 09:15:00.000000','assistant','crypto_withdrawal','u15','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (15)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (15)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,15);
INSERT INTO "exchanges" VALUES(17,'test',0,16,0,NULL,'x0-16','2026-10-26 09:16:00.000000','2026-10-26 09:16:00.000000','assistant','card_lost','u16','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (16)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (16)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,16);
INSERT INTO "exchanges" VALUES(18,'test',0,17,0,NULL,'x0-17','2026-10-26 09:17:00.000000','2026-10-26 09:17:00.000000','assistant','instant_transfer','u17','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (17)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (17)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,17);
INSERT INTO "exchanges" VALUES(19,'test',0,18,0,NULL,'x0-18','2026-10-26 09:18:00.000000','2026-10-26 09:18:00.000000','assistant','fees','u18','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (18)"}]','Why was I charged 1.75% when I paid in dollars online? (18)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,18);
INSERT INTO "exchanges" VALUES(20,'test',0,19,0,NULL,'x0-19','2026-10-26 09:19:00.000000','2026-10-26 09:19:00.000000','assistant','crypto_withdrawal','u19','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (19)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (19)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,19);
INSERT INTO "exchanges" VALUES(21,'test',0,20,0,NULL,'x0-20','2026-10-26 09:20:00.000000','2026-10-26 09:20:00.000000','assistant','card_lost','u20','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (20)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (20)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,20);
INSERT INTO "exchanges" VALUES(22,'test',0,21,0,NULL,'x0-21','2026-10-26 09:21:00.000000','2026-10-26 09:21:00.000000','assistant','instant_transfer','u21','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (21)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (21)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,21);
INSERT INTO "exchanges" VALUES(23,'test',0,22,0,NULL,'x0-22','2026-10-26 09:22:00.000000','2026-10-26 09:22:00.000000','assistant','fees','u22','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (22)"}]','Why was I charged 1.75% when I paid in dollars online? (22)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,22);
INSERT INTO "exchanges" VALUES(24,'test',0,23,0,NULL,'x0-23','2026-10-26 09:23:00.000000','2026-10-26 09:23:00.000000','assistant','crypto_withdrawal','u23','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (23)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (23)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,23);
INSERT INTO "exchanges" VALUES(25,'test',0,24,0,NULL,'x0-24','2026-10-26 09:24:00.000000','2026-10-26 09:24:00.000000','assistant','card_lost','u24','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (24)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (24)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,24);
INSERT INTO "exchanges" VALUES(26,'test',0,25,0,NULL,'x0-25','2026-10-26 09:25:00.000000','2026-10-26 09:25:00.000000','assistant','instant_transfer','u25','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (25)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (25)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,25);
INSERT INTO "exchanges" VALUES(27,'test',0,26,0,NULL,'x0-26','2026-10-26 09:26:00.000000','2026-10-26 09:26:00.000000','assistant','card_lost','u26','[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"مرحبا، فقدت بطاقتي أمس في المطار.\nHow do I block it? أحتاج إلى المساعدة."}]','Why was I charged 1.75% when I paid in dollars online? (26)','يمكنك إيقاف البطاقة فورًا من التطبيق: Cards > Lost or stolen.
ستصلك بطاقة جديدة قريبًا.','{}',0,0,0,0.05,0,0,1,26);
INSERT INTO "exchanges" VALUES(28,'test',0,27,0,NULL,'x0-27','2026-10-26 09:27:00.000000','2026-10-26 09:27:00.000000','assistant','crypto_withdrawal','u27','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (27)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (27)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,27);
INSERT INTO "exchanges" VALUES(29,'test',0,28,0,NULL,'x0-28','2026-10-26 09:28:00.000000','2026-10-26 09:28:00.000000','assistant','card_lost','u28','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (28)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (28)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,28);
INSERT INTO "exchanges" VALUES(30,'test',0,29,0,NULL,'x0-29','2026-10-26 09:29:00.000000','2026-10-26 09:29:00.000000','assistant','instant_transfer','u29','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (29)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (29)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,29);
INSERT INTO "exchanges" VALUES(31,'test',0,30,0,NULL,'x0-30','2026-10-26 09:30:00.000000','2026-10-26 09:30:00.000000','assistant','fees','u30','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (30)"}]','Why was I charged 1.75% when I paid in dollars online? (30)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,30);
INSERT INTO "exchanges" VALUES(32,'test',0,31,0,NULL,'x0-31','2026-10-26 09:31:00.000000','2026-10-26 09:31:00.000000','assistant','fees','u31','[{"role":"system","content":"You are the support desk of Example Bank.\nBe brief."},{"role":"user","content":"Your API answers 401 to this. Why?\n\n```python\nimport httpx\n\nclient = httpx.Client(headers={\"Authorization\": TOKEN})\nfor page in range(3):\n    print(client.get(f\"/v2/accounts?page={page}\").json())\n```\nIt worked last week."}]','How long does it take until bitcoin I sold in the app shows up as euros? (31)','The header needs the scheme:

```python
headers={"Authorization": f"Bearer {TOKEN}"}
```

Since 1 November we refuse tokens without it.','{}',0,0,0,0.05,0,0,1,31);
INSERT INTO "exchanges" VALUES(33,'test',0,32,0,NULL,'x0-32','2026-10-26 09:32:00.000000','2026-10-26 09:32:00.000000','assistant','card_lost','u32','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (32)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (32)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,32);
INSERT INTO "exchanges" VALUES(34,'test',0,33,0,NULL,'x0-33','2026-10-26 09:33:00.000000','2026-10-26 09:33:00.000000','assistant','instant_transfer','u33','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (33)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (33)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,33);
INSERT INTO "exchanges" VALUES(35,'test',0,34,0,NULL,'x0-34','2026-10-26 09:34:00.000000','2026-10-26 09:34:00.000000','assistant','fees','u34','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (34)"}]','Why was I charged 1.75% when I paid in dollars online? (34)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,34);
INSERT INTO "exchanges" VALUES(36,'test',0,35,0,NULL,'x0-35','2026-10-26 09:35:00.000000','2026-10-26 09:35:00.000000','assistant','crypto_withdrawal','u35','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (35)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (35)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,35);
INSERT INTO "exchanges" VALUES(37,'test',0,36,0,NULL,'x0-36','2026-10-26 09:36:00.000000','2026-10-26 09:36:00.000000','assistant','card_lost','u36','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (36)"}]','I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now? (36)','I''m sorry to hear that. You can block the card at once in the app under Cards > Lost or stolen. A new card arrives at your home address within 5 working days. Payments made after you block the card will not be charged to you.','{}',0,0,0,0.05,0,0,1,36);
INSERT INTO "exchanges" VALUES(38,'test',0,37,0,NULL,'x0-37','2026-10-26 09:37:00.000000','2026-10-26 09:37:00.000000','assistant','instant_transfer','u37','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (37)"}]','My instant transfer to a friend shows ''pending'' for two hours. Is the money gone? (37)','Transfers usually take 1 to 2 working days. Please wait until the transfer has arrived. If it has not arrived after 3 working days, please contact us again.','{}',0,0,0,0.05,0,0,1,37);
INSERT INTO "exchanges" VALUES(39,'test',0,38,0,NULL,'x0-38','2026-10-26 09:38:00.000000','2026-10-26 09:38:00.000000','assistant','fees','u38','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"Why was I charged 1.75% when I paid in dollars online? (38)"}]','Why was I charged 1.75% when I paid in dollars online? (38)','The 1.75% is our fee for payments in a foreign currency. It applies to card payments outside the euro area, and is listed in your price overview.','{}',0,0,0,0.05,0,0,1,38);
INSERT INTO "exchanges" VALUES(40,'test',0,39,0,NULL,'x0-39','2026-10-26 09:39:00.000000','2026-10-26 09:39:00.000000','assistant','crypto_withdrawal','u39','[{"role":"system","content":"You are the support desk of a bank."},{"role":"user","content":"How long does it take until bitcoin I sold in the app shows up as euros? (39)"}]','How long does it take until bitcoin I sold in the app shows up as euros? (39)','We do not offer cryptocurrency products. Please contact the provider of your wallet.','{}',0,0,0,0.05,0,0,1,39);
CREATE TABLE gold_examples (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	verdict VARCHAR NOT NULL, 
	response VARCHAR NOT NULL, 
	error_kind VARCHAR NOT NULL, 
	answerable VARCHAR NOT NULL, 
	resolution VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	comment VARCHAR NOT NULL, 
	decided_by_id INTEGER, 
	decided_at DATETIME NOT NULL, 
	superseded_at DATETIME, 
	CONSTRAINT pk_gold_examples PRIMARY KEY (id), 
	CONSTRAINT fk_gold_examples_decided_by_id FOREIGN KEY(decided_by_id) REFERENCES users (id), 
	CONSTRAINT fk_gold_examples_item_id FOREIGN KEY(item_id) REFERENCES review_items (id)
);
INSERT INTO "gold_examples" VALUES(1,1,1,'verdict','response','error_kind','answerable','resolution','cause','comment',1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE human_evaluation_assignments (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	expires_at DATETIME NOT NULL, 
	draft JSON NOT NULL, 
	started_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	skipped_at DATETIME, 
	declined_reason VARCHAR, 
	comment VARCHAR NOT NULL, 
	CONSTRAINT pk_human_evaluation_assignments PRIMARY KEY (id), 
	CONSTRAINT fk_human_evaluation_assignments_item_id FOREIGN KEY(item_id) REFERENCES human_evaluation_items (id), 
	CONSTRAINT fk_human_evaluation_assignments_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id), 
	CONSTRAINT uq_human_evaluation_assignments_reviewer UNIQUE (item_id, reviewer_id)
);
INSERT INTO "human_evaluation_assignments" VALUES(1,1,1,'2026-11-02 09:00:00.000000','{}','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','declined_reason','comment');
CREATE TABLE human_evaluation_items (
	id INTEGER NOT NULL, 
	human_evaluation_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	benchmark VARCHAR NOT NULL, 
	benchmark_item_id VARCHAR NOT NULL, 
	task_type VARCHAR NOT NULL, 
	messages JSON NOT NULL, 
	CONSTRAINT pk_human_evaluation_items PRIMARY KEY (id), 
	CONSTRAINT fk_human_evaluation_items_human_evaluation_id FOREIGN KEY(human_evaluation_id) REFERENCES human_evaluations (id), 
	CONSTRAINT uq_human_evaluation_items_item UNIQUE (human_evaluation_id, benchmark, benchmark_item_id), 
	CONSTRAINT uq_human_evaluation_items_number UNIQUE (human_evaluation_id, number)
);
INSERT INTO "human_evaluation_items" VALUES(1,1,1,'benchmark','benchmark_item_id','task_type','{}');
CREATE TABLE human_evaluation_keys (
	response_id INTEGER NOT NULL, 
	system VARCHAR NOT NULL, 
	CONSTRAINT pk_human_evaluation_keys PRIMARY KEY (response_id, system), 
	CONSTRAINT fk_human_evaluation_keys_response_id FOREIGN KEY(response_id) REFERENCES human_evaluation_responses (id)
);
INSERT INTO "human_evaluation_keys" VALUES(1,'system');
CREATE TABLE human_evaluation_ratings (
	id INTEGER NOT NULL, 
	response_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	scores JSON NOT NULL, 
	CONSTRAINT pk_human_evaluation_ratings PRIMARY KEY (id), 
	CONSTRAINT fk_human_evaluation_ratings_response_id FOREIGN KEY(response_id) REFERENCES human_evaluation_responses (id), 
	CONSTRAINT fk_human_evaluation_ratings_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id), 
	CONSTRAINT uq_human_evaluation_ratings_response UNIQUE (response_id, reviewer_id)
);
INSERT INTO "human_evaluation_ratings" VALUES(1,1,1,1,'{}');
CREATE TABLE human_evaluation_responses (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	text VARCHAR NOT NULL, 
	CONSTRAINT pk_human_evaluation_responses PRIMARY KEY (id), 
	CONSTRAINT fk_human_evaluation_responses_item_id FOREIGN KEY(item_id) REFERENCES human_evaluation_items (id)
);
INSERT INTO "human_evaluation_responses" VALUES(1,1,'text');
CREATE TABLE human_evaluations (
	id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	candidate_evaluation_id INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	sample_size INTEGER NOT NULL, 
	n_available INTEGER NOT NULL, 
	raters_per_item INTEGER NOT NULL, 
	scale_min INTEGER NOT NULL, 
	scale_max INTEGER NOT NULL, 
	dimensions JSON NOT NULL, 
	secret BLOB NOT NULL, 
	opened_at DATETIME NOT NULL, 
	locked_at DATETIME, 
	locked_by_id INTEGER, 
	cancelled_at DATETIME, 
	results JSON, 
	measured_at DATETIME, 
	CONSTRAINT pk_human_evaluations PRIMARY KEY (id), 
	CONSTRAINT fk_human_evaluations_candidate_evaluation_id FOREIGN KEY(candidate_evaluation_id) REFERENCES candidate_evaluations (id), 
	CONSTRAINT fk_human_evaluations_locked_by_id FOREIGN KEY(locked_by_id) REFERENCES users (id), 
	CONSTRAINT fk_human_evaluations_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id), 
	CONSTRAINT uq_human_evaluations_candidate_evaluation_id UNIQUE (candidate_evaluation_id)
);
INSERT INTO "human_evaluations" VALUES(1,1,1,'cancelled',1,1,1,1,1,'{}',X'00FF','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000',1,'2026-11-02 09:00:00.000000',NULL,'2026-11-02 09:00:00.000000');
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	severity DOUBLE NOT NULL, 
	opening_evaluation_id INTEGER, 
	last_evaluation_id INTEGER, 
	opening_look_id INTEGER, 
	last_look_id INTEGER, 
	opened_at DATETIME NOT NULL, 
	resolved_at DATETIME, 
	acknowledged_by VARCHAR, 
	slack_channel VARCHAR, 
	slack_ts VARCHAR, 
	CONSTRAINT pk_incidents PRIMARY KEY (id), 
	CONSTRAINT fk_incidents_last_evaluation_id FOREIGN KEY(last_evaluation_id) REFERENCES drift_evaluations (id), 
	CONSTRAINT fk_incidents_opening_evaluation_id FOREIGN KEY(opening_evaluation_id) REFERENCES drift_evaluations (id), 
	CONSTRAINT fk_incidents_last_look_id FOREIGN KEY(last_look_id) REFERENCES looks (id), 
	CONSTRAINT fk_incidents_opening_look_id FOREIGN KEY(opening_look_id) REFERENCES looks (id)
);
INSERT INTO "incidents" VALUES(1,'model','resolved','fingerprint',0.5,1,1,1,1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','acknowledged_by','slack_channel','slack_ts');
CREATE TABLE invitations (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	token_hash VARCHAR NOT NULL, 
	created_by VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_invitations PRIMARY KEY (id), 
	CONSTRAINT fk_invitations_user_id FOREIGN KEY(user_id) REFERENCES users (id), 
	CONSTRAINT uq_invitations_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitations" VALUES(1,1,'token_hash','created_by','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE looks (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	looked_until DATETIME NOT NULL, 
	status VARCHAR NOT NULL, 
	alarm BOOLEAN NOT NULL, 
	n_exchanges INTEGER NOT NULL, 
	n_end_users INTEGER NOT NULL, 
	provenance JSON NOT NULL, 
	findings JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	followed_up_at DATETIME, 
	CONSTRAINT pk_looks PRIMARY KEY (id), 
	CONSTRAINT uq_looks_hour UNIQUE (model, looked_until)
);
INSERT INTO "looks" VALUES(1,'model','2026-11-02 09:00:00.000000','done',1,1,1,'{}','{}','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE model_scores (
	id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	benchmark VARCHAR NOT NULL, 
	stratum VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	lower DOUBLE NOT NULL, 
	upper DOUBLE NOT NULL, 
	n INTEGER NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_model_scores PRIMARY KEY (id), 
	CONSTRAINT fk_model_scores_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id), 
	CONSTRAINT uq_model_scores UNIQUE (version_id, benchmark, stratum, metric)
);
INSERT INTO "model_scores" VALUES(1,1,'benchmark','stratum','metric',0.5,0.5,0.5,1,'2026-11-02 09:00:00.000000');
CREATE TABLE model_versions (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	stage VARCHAR NOT NULL, 
	parent_id INTEGER, 
	training_run_id INTEGER, 
	adapter_path VARCHAR NOT NULL, 
	adapter_digest VARCHAR NOT NULL, 
	lineage JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_model_versions PRIMARY KEY (id), 
	CONSTRAINT fk_model_versions_parent_id FOREIGN KEY(parent_id) REFERENCES model_versions (id), 
	CONSTRAINT fk_model_versions_training_run_id FOREIGN KEY(training_run_id) REFERENCES training_runs (id), 
	CONSTRAINT uq_model_versions_version UNIQUE (model, version), 
	CONSTRAINT uq_model_versions_training_run_id UNIQUE (training_run_id)
);
INSERT INTO "model_versions" VALUES(1,'model',1,'retired',NULL,1,'adapter_path','adapter_digest','{}','2026-11-02 09:00:00.000000');
CREATE TABLE offset_gaps (
	id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	partition INTEGER NOT NULL, 
	first_offset INTEGER NOT NULL, 
	last_offset INTEGER NOT NULL, 
	detected_at DATETIME NOT NULL, 
	CONSTRAINT pk_offset_gaps PRIMARY KEY (id)
);
INSERT INTO "offset_gaps" VALUES(1,'source',1,1,1,'2026-11-02 09:00:00.000000');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	dedupe_key VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	incident_id INTEGER, 
	kind VARCHAR NOT NULL, 
	payload JSON NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	failed_at DATETIME, 
	error VARCHAR, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT fk_outbox_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id), 
	CONSTRAINT uq_outbox_dedupe_key UNIQUE (dedupe_key)
);
INSERT INTO "outbox" VALUES(1,'dedupe_key','model',1,'post','{}',1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','error');
CREATE TABLE pending_halves (
	id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" INTEGER NOT NULL, 
	record_index INTEGER NOT NULL, 
	join_id VARCHAR NOT NULL, 
	side VARCHAR NOT NULL, 
	end_user VARCHAR NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	received_at DATETIME NOT NULL, 
	randomness INTEGER NOT NULL, 
	threshold INTEGER NOT NULL, 
	inclusion_probability DOUBLE NOT NULL, 
	payload JSON NOT NULL, 
	stored_at DATETIME NOT NULL, 
	claimed_until DATETIME, 
	CONSTRAINT pk_pending_halves PRIMARY KEY (id), 
	CONSTRAINT uq_pending_halves_side UNIQUE (source, join_id, side)
);
INSERT INTO "pending_halves" VALUES(1,'source',1,1,1,'join_id','request','end_user','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000',1,1,0.5,'{}','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE registry_mirrors (
	model VARCHAR NOT NULL, 
	n_changes INTEGER NOT NULL, 
	n_mirrored INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at DATETIME, 
	error VARCHAR, 
	mirrored_at DATETIME, 
	CONSTRAINT pk_registry_mirrors PRIMARY KEY (model)
);
INSERT INTO "registry_mirrors" VALUES('model',1,1,1,'2026-11-02 09:00:00.000000','error','2026-11-02 09:00:00.000000');
CREATE TABLE reports (
	evaluation_id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	content BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (evaluation_id, kind), 
	CONSTRAINT fk_reports_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES drift_evaluations (id)
);
INSERT INTO "reports" VALUES(1,'evidently',X'1F8B0800000000000203B3C928C9CDB1B349CA4FA9B4B3294E2ECA2C28B14BC94F2ECD4DCD2BD12BC92CC949B5552F4ACC53B7D1874A16A516E41795D8E84374E883B503009AAC432C45000000','2026-11-02 09:00:00.000000');
CREATE TABLE review_assignments (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	expires_at DATETIME NOT NULL, 
	draft JSON NOT NULL, 
	skipped_at DATETIME, 
	declined_reason VARCHAR, 
	CONSTRAINT pk_review_assignments PRIMARY KEY (id), 
	CONSTRAINT fk_review_assignments_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT fk_review_assignments_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id), 
	CONSTRAINT uq_review_assignments_reviewer UNIQUE (item_id, reviewer_id)
);
INSERT INTO "review_assignments" VALUES(1,1,1,'2026-11-02 09:00:00.000000','{}','2026-11-02 09:00:00.000000','declined_reason');
CREATE TABLE review_audits (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	auditor_id INTEGER, 
	decided_at DATETIME, 
	differences JSON, 
	verdict VARCHAR NOT NULL, 
	error_kind VARCHAR NOT NULL, 
	answerable VARCHAR NOT NULL, 
	corrected_response VARCHAR NOT NULL, 
	comment VARCHAR NOT NULL, 
	CONSTRAINT pk_review_audits PRIMARY KEY (id), 
	CONSTRAINT fk_review_audits_auditor_id FOREIGN KEY(auditor_id) REFERENCES users (id), 
	CONSTRAINT fk_review_audits_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT uq_review_audits_revision UNIQUE (item_id, revision)
);
INSERT INTO "review_audits" VALUES(1,1,1,'2026-11-02 09:00:00.000000',1,'2026-11-02 09:00:00.000000','{}','verdict','error_kind','answerable','corrected_response','comment');
CREATE TABLE review_batches (
	id INTEGER NOT NULL, 
	evaluation_id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	design JSON, 
	CONSTRAINT pk_review_batches PRIMARY KEY (id), 
	CONSTRAINT fk_review_batches_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES drift_evaluations (id), 
	CONSTRAINT uq_review_batches_evaluation_id UNIQUE (evaluation_id)
);
INSERT INTO "review_batches" VALUES(1,1,'assistant','2026-11-02 09:00:00.000000','{"n_control":40,"n_window":39.99999999999999,"cells":[["card_lost",0,0.22499999999999998],["card_lost",1,0.025],["crypto_withdrawal",2,0.24999999999999997],["fees",0,0.19999999999999998],["fees",1,0.05],["instant_transfer",0,0.22499999999999998],["instant_transfer",1,0.025]]}');
CREATE TABLE review_draws (
	id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	text_digest VARCHAR NOT NULL, 
	task_type VARCHAR NOT NULL, 
	stratum INTEGER NOT NULL, 
	cluster INTEGER, 
	control_points INTEGER NOT NULL, 
	traffic_share DOUBLE NOT NULL, 
	selection_probability DOUBLE NOT NULL, 
	CONSTRAINT pk_review_draws PRIMARY KEY (id), 
	CONSTRAINT fk_review_draws_batch_id FOREIGN KEY(batch_id) REFERENCES review_batches (id), 
	CONSTRAINT fk_review_draws_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT uq_review_draws_item UNIQUE (batch_id, item_id)
);
INSERT INTO "review_draws" VALUES(1,1,1,'791ecb6ec480ec6b17ac218a44e6857e','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(2,1,2,'4e28cd53cf9af5fce60d62cc4b7bcc69','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(3,1,3,'fdd5900d6734aa4bfba3603a6df7ece4','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(4,1,4,'6a7b97bcaa52e6733949c47c9880572a','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(5,1,5,'074a7b98e9a5a533397d29ed410094de','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(6,1,6,'76e4546993ff44184090b4ae5a8bdbed','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(7,1,7,'47de3cdd5870a2cc994838617e097dce','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(8,1,8,'04bf0f8a28789723a94c30eb75d4bfad','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(9,1,9,'7472ac4d4ef0b76c79043bde8e5659ab','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(10,1,10,'af84b64f94351d521df300d50265896b','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(11,1,11,'e1e607111189b324b77ec44418af3ee8','card_lost',1,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(12,1,12,'5007120db63d6140b60a5855640152a4','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(13,1,13,'a9d7f0bce6d14b4cf0d456f5900a7133','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(14,1,14,'e5d3e9366761103d77c522f89456d52f','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(15,1,15,'6df91f8b8a6a8621cf4ce515cc2c44bf','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(16,1,16,'b81855a2b8d804adace350a88e8872e4','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(17,1,17,'9454092742022553ac910a916e63b52c','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(18,1,18,'1b0228b285d7e795cff4f9993588103d','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(19,1,19,'fb07d9dcde8208cc0d8edca098a6e37b','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(20,1,20,'7164647cb91d6618e53aa1b6b84f98e5','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(21,1,21,'154ed3d204ee624b8d27628bda377aef','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(22,1,22,'90d55da35d85958e79bba237932251b2','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(23,1,23,'37a887467a82c1fd52d445ace7bc2ee1','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(24,1,24,'93dfe84acd57e30c522066b1c6b21e75','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(25,1,25,'39f5add40741138ee1622d50f4d1a959','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(26,1,26,'4c31b2e63701ce12939082a12b5c0b76','fees',1,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(27,1,27,'8c4ebe1af93cf53438a76eaa1670db65','fees',1,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(28,1,28,'8a3f1c2a94ff331276b95d0326474bf7','crypto_withdrawal',2,0,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(29,1,29,'152ea7560266f6a44134d544e18054de','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(30,1,30,'1b14fa6752cf188fc9a7151cedec64eb','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(31,1,31,'653d524eee581b02e3c2265182e59073','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(32,1,32,'f118ab0afa209d9728227e5802e54a86','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(33,1,33,'ad7edd651358c53bb640f7bffc23a643','fees',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(34,1,34,'c640ae9ab4e17822b890d00a4becf860','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(35,1,35,'80a31af347d71c369d2332b116b8060b','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(36,1,36,'9baa37d2a9422054e7ffbaa4e04c316b','card_lost',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(37,1,37,'802ad2e756cc7d3291ec4b287fdaf007','instant_transfer',1,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(38,1,38,'1436ac9b96bb8aea53ba4e8ab3c84a29','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(39,1,39,'6f8df6e0651a1b4f95e8735f5a9efe07','instant_transfer',0,NULL,1,0.025,1.0);
INSERT INTO "review_draws" VALUES(40,1,40,'8cd325eee6802bb9cd4fd0273f0f8e9f','crypto_withdrawal',2,0,1,0.025,1.0);
CREATE TABLE review_items (
	id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	exchange_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	slice VARCHAR NOT NULL, 
	selection_probability DOUBLE NOT NULL, 
	control_probability DOUBLE NOT NULL, 
	cluster INTEGER, 
	task_type VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	excluded_reason VARCHAR, 
	status_before_flag VARCHAR, 
	reopened_reason VARCHAR, 
	revision INTEGER NOT NULL, 
	taxonomy_version VARCHAR NOT NULL, 
	CONSTRAINT pk_review_items PRIMARY KEY (id), 
	CONSTRAINT fk_review_items_batch_id FOREIGN KEY(batch_id) REFERENCES review_batches (id), 
	CONSTRAINT fk_review_items_exchange_id FOREIGN KEY(exchange_id) REFERENCES exchanges (id), 
	CONSTRAINT uq_review_items_exchange UNIQUE (batch_id, exchange_id)
);
INSERT INTO "review_items" VALUES(1,1,10,0,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(2,1,32,1,'control',1.0,1.0,0,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(3,1,27,2,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(4,1,6,3,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(5,1,33,4,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(6,1,19,5,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(7,1,36,6,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(8,1,23,7,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(9,1,7,8,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(10,1,17,9,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(11,1,37,10,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(12,1,24,11,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(13,1,25,12,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(14,1,28,13,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(15,1,8,14,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(16,1,21,15,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(17,1,18,16,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(18,1,20,17,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(19,1,29,18,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(20,1,2,19,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(21,1,12,20,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(22,1,4,21,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(23,1,22,22,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(24,1,14,23,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(25,1,31,24,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(26,1,35,25,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(27,1,39,26,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(28,1,16,27,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(29,1,15,28,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(30,1,5,29,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(31,1,13,30,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(32,1,11,31,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(33,1,3,32,'control',1.0,1.0,NULL,'fees','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(34,1,30,33,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(35,1,1,34,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(36,1,9,35,'control',1.0,1.0,NULL,'card_lost','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(37,1,38,36,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(38,1,26,37,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(39,1,34,38,'control',1.0,1.0,NULL,'instant_transfer','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
INSERT INTO "review_items" VALUES(40,1,40,39,'control',1.0,1.0,0,'crypto_withdrawal','queued',NULL,NULL,NULL,1,'0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465');
CREATE TABLE review_messages (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	text VARCHAR NOT NULL, 
	written_at DATETIME NOT NULL, 
	CONSTRAINT pk_review_messages PRIMARY KEY (id), 
	CONSTRAINT fk_review_messages_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT fk_review_messages_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id)
);
INSERT INTO "review_messages" VALUES(1,1,1,'text','2026-11-02 09:00:00.000000');
CREATE TABLE review_proposals (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	verdict VARCHAR NOT NULL, 
	error_kind VARCHAR NOT NULL, 
	answerable VARCHAR NOT NULL, 
	corrected_response VARCHAR NOT NULL, 
	comment VARCHAR NOT NULL, 
	proposed_at DATETIME NOT NULL, 
	CONSTRAINT pk_review_proposals PRIMARY KEY (id), 
	CONSTRAINT fk_review_proposals_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT fk_review_proposals_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id), 
	CONSTRAINT uq_review_proposals_reviewer UNIQUE (item_id, reviewer_id)
);
INSERT INTO "review_proposals" VALUES(1,1,1,'verdict','error_kind','answerable','corrected_response','comment','2026-11-02 09:00:00.000000');
CREATE TABLE reviews (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	reviewer_id INTEGER NOT NULL, 
	verdict VARCHAR NOT NULL, 
	accuracy INTEGER NOT NULL, 
	completeness INTEGER NOT NULL, 
	tone INTEGER NOT NULL, 
	compliance INTEGER NOT NULL, 
	error_kind VARCHAR NOT NULL, 
	answerable VARCHAR NOT NULL, 
	corrected_response VARCHAR NOT NULL, 
	comment VARCHAR NOT NULL, 
	submitted_at DATETIME NOT NULL, 
	CONSTRAINT pk_reviews PRIMARY KEY (id), 
	CONSTRAINT fk_reviews_item_id FOREIGN KEY(item_id) REFERENCES review_items (id), 
	CONSTRAINT fk_reviews_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES users (id), 
	CONSTRAINT uq_reviews_reviewer UNIQUE (item_id, reviewer_id)
);
INSERT INTO "reviews" VALUES(1,1,1,'verdict',1,1,1,1,'error_kind','answerable','corrected_response','comment','2026-11-02 09:00:00.000000');
CREATE TABLE rollouts (
	id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	weight_percent INTEGER NOT NULL, 
	stage_started_at DATETIME NOT NULL, 
	reason VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_rollouts PRIMARY KEY (id), 
	CONSTRAINT fk_rollouts_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id), 
	CONSTRAINT uq_rollouts_version_id UNIQUE (version_id)
);
INSERT INTO "rollouts" VALUES(1,1,'reverted',1,'2026-11-02 09:00:00.000000','reason','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE sign_in_attempts (
	"key" VARCHAR NOT NULL, 
	failures INTEGER NOT NULL, 
	blocked_until DATETIME, 
	last_at DATETIME NOT NULL, 
	CONSTRAINT pk_sign_in_attempts PRIMARY KEY ("key")
);
INSERT INTO "sign_in_attempts" VALUES('key',1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE slow_drift_windows (
	evaluation_id INTEGER NOT NULL, 
	scoring_digest VARCHAR NOT NULL, 
	sums BLOB NOT NULL, 
	CONSTRAINT pk_slow_drift_windows PRIMARY KEY (evaluation_id), 
	CONSTRAINT fk_slow_drift_windows_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES drift_evaluations (id)
);
INSERT INTO "slow_drift_windows" VALUES(1,'scoring_digest',X'00FF');
CREATE TABLE source_offsets (
	source VARCHAR NOT NULL, 
	partition INTEGER NOT NULL, 
	next_offset INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	caught_up_at DATETIME, 
	CONSTRAINT pk_source_offsets PRIMARY KEY (source, partition)
);
INSERT INTO "source_offsets" VALUES('source',1,1,'2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE stage_changes (
	id INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	from_stage VARCHAR NOT NULL, 
	to_stage VARCHAR NOT NULL, 
	changed_by VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_stage_changes PRIMARY KEY (id), 
	CONSTRAINT fk_stage_changes_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id)
);
INSERT INTO "stage_changes" VALUES(1,1,'candidate','retired','changed_by','reason','2026-11-02 09:00:00.000000');
CREATE TABLE taxonomy_versions (
	version VARCHAR NOT NULL, 
	content VARCHAR NOT NULL, 
	in_force_at DATETIME NOT NULL, 
	CONSTRAINT pk_taxonomy_versions PRIMARY KEY (version)
);
INSERT INTO "taxonomy_versions" VALUES('0633d4ae70a82c5400265076956e33eed319b967d25a03734446dbe112043465','{"default_template":{"response":"{answer}","style":"direct","system_prompt":"You are the support desk of Example Bank. Answer in at most five sentences.\nNever promise what the price list doesn''t say."},"task_types":{"card_lost":{"correct_output":"Says first how to block the card at once (in the app under Cards > Lost or stolen, or by phone), then\nwhen the new one comes, then who bears payments made in the meantime. Calm, and without blame.","criteria":["Accept where blocking comes first and every fact is in the price list or the card terms.","Correct where a fact is wrong or missing but the rest can stay.","Reject where following the answer would leave the card open."],"description":"A customer can''t find their card. Money is at risk until it is blocked, so that comes first.","edge_cases":[{"examples":[{"input":"I blocked my card yesterday and just found it in my coat. Can you unblock it?","output":"I''m glad it turned up. A card that was blocked can''t be opened again, so please cut it up; the new\none reaches you within 5 working days."}],"guidance":"A card that was blocked can''t be opened again, even if the customer is sure nobody had it.","title":"The card is found again"},{"examples":[{"input":"My bag was stolen in Lisbon, cards and all. I can''t even pay the hotel.","output":"I''m sorry. First block the cards in the app under Cards > Lost or stolen. Then call us: we can have\nemergency cash paid out to you in Lisbon within a few hours. New cards are sent to your home address\nwithin 5 working days."}],"guidance":"Emergency cash comes before the new card.","title":"Abroad, without any money"}],"input_types":["The customer tells that a card is lost, stolen, or kept by a machine.","The customer asks what a lost card costs them."],"name":"card_lost","output_format":{"type":"text"},"template":{"response":"{answer}","style":"direct","system_prompt":"You are the support desk of Example Bank. Answer in at most five sentences.\nNever promise what the price list doesn''t say."},"title":"A card is lost or stolen"},"intent":{"correct_output":"The one label that names what the customer wants first.","criteria":["Accept the label that decides which team acts first.","Correct any other label, however close."],"description":"","edge_cases":[{"examples":[{"input":"Why was I charged 1.75%? And by the way, I lost my card.","output":"card_lost"}],"guidance":"The more urgent one counts: a lost card before everything, a complaint before a question.","title":"Two wishes in one message"}],"input_types":["The first message of a conversation, before anybody has answered."],"name":"intent","output_format":{"labels":["card_lost","fees","transfer","complaint","other"],"type":"labels"},"template":{"response":"{answer}","style":"direct","system_prompt":"Say what the customer wants. Answer with {output_format} and nothing else."},"title":"What does the customer want?"}}}','2026-11-02 09:00:00.000000');
CREATE TABLE training_runs (
	id INTEGER NOT NULL, 
	decision_id INTEGER, 
	model VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	launcher VARCHAR NOT NULL, 
	handle JSON, 
	recipe JSON NOT NULL, 
	work_dir VARCHAR NOT NULL, 
	"plan" JSON, 
	progress JSON, 
	resumptions INTEGER DEFAULT 0 NOT NULL, 
	cancel_requested_by VARCHAR, 
	termination_error VARCHAR, 
	result JSON, 
	error VARCHAR, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	CONSTRAINT pk_training_runs PRIMARY KEY (id), 
	CONSTRAINT fk_training_runs_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (id), 
	CONSTRAINT uq_training_runs_decision_id UNIQUE (decision_id)
);
INSERT INTO "training_runs" VALUES(1,1,'model','failed','launcher','{}','{}','work_dir','{}','{}',1,'cancel_requested_by','termination_error','{}','error','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE unlisted_exchanges (
	source VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	day DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	estimated_total DOUBLE NOT NULL, 
	CONSTRAINT pk_unlisted_exchanges PRIMARY KEY (source, model, day)
);
INSERT INTO "unlisted_exchanges" VALUES('source','model','2026-11-02 09:00:00.000000',1,0.5);
CREATE TABLE user_grants (
	user_id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	task_types JSON NOT NULL, 
	CONSTRAINT pk_user_grants PRIMARY KEY (user_id, model), 
	CONSTRAINT fk_user_grants_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);
INSERT INTO "user_grants" VALUES(1,'*','reviewer','[]');
INSERT INTO "user_grants" VALUES(2,'*','reviewer','[]');
INSERT INTO "user_grants" VALUES(3,'*','adjudicator','[]');
INSERT INTO "user_grants" VALUES(4,'*','lead','[]');
CREATE TABLE users (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	email VARCHAR, 
	identity VARCHAR, 
	session_epoch INTEGER NOT NULL, 
	active BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_email UNIQUE (email), 
	CONSTRAINT uq_users_identity UNIQUE (identity), 
	CONSTRAINT uq_users_name UNIQUE (name)
);
INSERT INTO "users" VALUES(1,'Ada','$argon2id$v=19$m=65536,t=3,p=4$iAWqd4vXpODUvBr3VEzCjA$ScNRGNlVrptIsQlNtjMnDpIK/y0vd2USggrWVk8/gYA',NULL,NULL,0,1,'2026-11-02 09:00:00.000000');
INSERT INTO "users" VALUES(2,'Ben','$argon2id$v=19$m=65536,t=3,p=4$TqktVLyqEykdkyJLvNDGHA$DPtI6tSu+dyZvA0DwTUOly0nXi+0YNUfAB4SxSdLScM',NULL,NULL,0,1,'2026-11-02 09:00:00.000000');
INSERT INTO "users" VALUES(3,'Cleo','$argon2id$v=19$m=65536,t=3,p=4$jVIs4gH0XP99tZDW+6jr3g$MsRZKkd0KT4qpyRPP9V4n+jyI8XvCnUZrbdOqeuh6M0',NULL,NULL,0,1,'2026-11-02 09:00:00.000000');
INSERT INTO "users" VALUES(4,'Lea','$argon2id$v=19$m=65536,t=3,p=4$hoPF6HzNNV7QQSC1wtFq8w$dEa2BNgPgOM0HWqraLbwvuGnfSGPnXb2jjDXbrP/lOE',NULL,NULL,0,1,'2026-11-02 09:00:00.000000');
CREATE TABLE watch_pauses (
	id INTEGER NOT NULL, 
	model VARCHAR NOT NULL, 
	ended_at DATETIME NOT NULL, 
	resumed_at DATETIME, 
	CONSTRAINT pk_watch_pauses PRIMARY KEY (id)
);
INSERT INTO "watch_pauses" VALUES(1,'model','2026-11-02 09:00:00.000000','2026-11-02 09:00:00.000000');
CREATE TABLE web_sessions (
	"key" VARCHAR NOT NULL, 
	value BLOB NOT NULL, 
	expires_at DATETIME, 
	CONSTRAINT pk_web_sessions PRIMARY KEY ("key")
);
INSERT INTO "web_sessions" VALUES('key',X'00FF','2026-11-02 09:00:00.000000');
CREATE TABLE withheld_exchanges (
	source VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	day DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	estimated_total DOUBLE NOT NULL, 
	CONSTRAINT pk_withheld_exchanges PRIMARY KEY (source, model, day)
);
INSERT INTO "withheld_exchanges" VALUES('source','model','2026-11-02 09:00:00.000000',1,0.5);
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
    WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE INDEX ix_baselines_model ON baselines (model);
CREATE INDEX ix_dead_letters_age ON dead_letters (received_at, id);
CREATE INDEX ix_pending_halves_claimed_until ON pending_halves (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX ix_pending_halves_end_user ON pending_halves (end_user);
CREATE INDEX ix_pending_halves_occurred_at ON pending_halves (source, occurred_at);
CREATE INDEX ix_pending_halves_received_at ON pending_halves (received_at);
CREATE INDEX ix_pending_halves_stored_at ON pending_halves (stored_at);
CREATE INDEX ix_sign_in_attempts_last_at ON sign_in_attempts (last_at);
CREATE INDEX ix_web_sessions_expires_at ON web_sessions (expires_at);
CREATE UNIQUE INDEX uq_watch_pauses_open ON watch_pauses (model) WHERE resumed_at IS NULL;
CREATE INDEX ix_exchanges_age ON exchanges (received_at, id);
CREATE INDEX ix_exchanges_baseline_id ON exchanges (baseline_id);
CREATE INDEX ix_exchanges_block_id ON exchanges (block_id);
CREATE INDEX ix_exchanges_end_user ON exchanges (end_user);
CREATE INDEX ix_exchanges_exchange_id ON exchanges (exchange_id);
CREATE INDEX ix_exchanges_window ON exchanges (model, occurred_at);
CREATE INDEX ix_invitations_user_id ON invitations (user_id);
CREATE UNIQUE INDEX uq_incidents_open_model ON incidents (model) WHERE resolved_at IS NULL;
CREATE INDEX ix_outbox_next_attempt_at ON outbox (next_attempt_at);
CREATE INDEX ix_review_items_exchange_id ON review_items (exchange_id);
CREATE INDEX ix_review_items_queue ON review_items (status, batch_id, position, task_type);
CREATE INDEX ix_gold_examples_item_id ON gold_examples (item_id);
CREATE UNIQUE INDEX uq_gold_examples_standing ON gold_examples (item_id) WHERE superseded_at IS NULL;
CREATE INDEX ix_review_assignments_expires_at ON review_assignments (expires_at);
CREATE INDEX ix_review_assignments_reviewer_id ON review_assignments (reviewer_id);
CREATE INDEX ix_review_draws_item_id ON review_draws (item_id);
CREATE INDEX ix_review_draws_text_digest ON review_draws (text_digest);
CREATE INDEX ix_review_messages_item_id ON review_messages (item_id);
CREATE INDEX ix_reviews_reviewer_id ON reviews (reviewer_id);
CREATE UNIQUE INDEX uq_model_versions_production ON model_versions (model) WHERE stage = 'production';
CREATE INDEX ix_baseline_plans_model ON baseline_plans (model);
CREATE INDEX ix_candidate_evaluations_version_id ON candidate_evaluations (version_id);
CREATE UNIQUE INDEX uq_candidate_evaluations_open ON candidate_evaluations (version_id) WHERE finished_at IS NULL;
CREATE INDEX ix_stage_changes_version_id ON stage_changes (version_id);
CREATE INDEX ix_human_evaluation_assignments_reviewer_id ON human_evaluation_assignments (reviewer_id);
CREATE INDEX ix_human_evaluation_responses_item_id ON human_evaluation_responses (item_id);
COMMIT;
