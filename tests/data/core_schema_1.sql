BEGIN TRANSACTION;
CREATE TABLE alert (
	alert_id VARCHAR(32) NOT NULL, 
	rule TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	alert_class VARCHAR(20) NOT NULL, 
	enterprise TEXT NOT NULL, 
	outlet TEXT NOT NULL, 
	factor TEXT NOT NULL, 
	mn TEXT NOT NULL, 
	severity INTEGER NOT NULL, 
	state VARCHAR(30) NOT NULL, 
	step VARCHAR(20) NOT NULL, 
	seq INTEGER NOT NULL, 
	opened_ms BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT, 
	value FLOAT, 
	ceiling FLOAT, 
	floor FLOAT, 
	unit TEXT NOT NULL, 
	source TEXT NOT NULL, 
	unverified BOOLEAN NOT NULL, 
	late BOOLEAN NOT NULL, 
	rule_version VARCHAR(64) NOT NULL, 
	decision VARCHAR(30) NOT NULL, 
	episode VARCHAR(32) NOT NULL, 
	severity_told INTEGER NOT NULL, 
	acknowledged_by TEXT, 
	acknowledged_ms BIGINT, 
	PRIMARY KEY (alert_id)
);
INSERT INTO "alert" VALUES('FF22EHNGS47RJJ27','offline','offline','integrity','mill','stack-1','','MN1',3,'unacknowledged','opened',0,1772341800000,1772341800000,1772337600000,NULL,NULL,NULL,NULL,'','',0,0,'r1','page','FF22EHNGS47RJJ27',3,NULL,NULL);
INSERT INTO "alert" VALUES('YEAIEQRIH4ENQ2XN','gas-hour','exceedance','legal','mill','stack-1','a21026','',2,'closed','returned',1,1772341800000,1772349000000,1772337600000,1772341200000,68.0,50.0,NULL,'mg/m3','GB 13271-2014 table 2',0,0,'r1','page','YEAIEQRIH4ENQ2XN',0,'li',1772337600010);
CREATE TABLE alert_action (
	alert_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	person TEXT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	state_before VARCHAR(30) NOT NULL, 
	state_after VARCHAR(30) NOT NULL, 
	PRIMARY KEY (alert_id, number), 
	FOREIGN KEY(alert_id) REFERENCES alert (alert_id)
);
INSERT INTO "alert_action" VALUES('YEAIEQRIH4ENQ2XN',1,'acknowledge','li',1772337600010,'returned_unacknowledged','closed');
CREATE TABLE alert_event (
	alert_id VARCHAR(32) NOT NULL, 
	seq INTEGER NOT NULL, 
	step VARCHAR(20) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	decision VARCHAR(30) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (alert_id, seq), 
	FOREIGN KEY(alert_id) REFERENCES alert (alert_id)
);
INSERT INTO "alert_event" VALUES('YEAIEQRIH4ENQ2XN',0,'opened',1772341800000,'page','{"alert_id":"YEAIEQRIH4ENQ2XN","seq":0,"step":"opened","at_ms":1772341800000,"rule":"gas-hour","kind":"exceedance","rule_version":"r1","alert_class":"legal","severity":2,"outlet":"stack-1","factor":"a21026","mn":"","start_ms":1772337600000,"end_ms":1772341200000,"value":68.0,"ceiling":50.0,"floor":null,"unit":"mg/m3","source":"GB 13271-2014 table 2","unverified":false,"late":false,"evidence":{"slot_ms":[],"value":[],"flag":[],"helper":[],"n_valid":60,"n_due":60,"measured":null,"o2":null,"from_device":false}}');
INSERT INTO "alert_event" VALUES('FF22EHNGS47RJJ27',0,'opened',1772341800000,'page','{"alert_id":"FF22EHNGS47RJJ27","seq":0,"step":"opened","at_ms":1772341800000,"rule":"offline","kind":"offline","rule_version":"r1","alert_class":"integrity","severity":3,"outlet":"stack-1","factor":"","mn":"MN1","start_ms":1772337600000,"end_ms":null,"value":null,"ceiling":null,"floor":null,"unit":"","source":"","unverified":false,"late":false,"evidence":{"slot_ms":[],"value":[],"flag":[],"helper":[],"n_valid":0,"n_due":0,"measured":null,"o2":null,"from_device":false}}');
INSERT INTO "alert_event" VALUES('YEAIEQRIH4ENQ2XN',1,'returned',1772349000000,'page_returned','{"alert_id":"YEAIEQRIH4ENQ2XN","seq":1,"step":"returned","at_ms":1772349000000,"rule":"gas-hour","kind":"exceedance","rule_version":"r1","alert_class":"legal","severity":2,"outlet":"stack-1","factor":"a21026","mn":"","start_ms":1772337600000,"end_ms":1772341200000,"value":68.0,"ceiling":50.0,"floor":null,"unit":"mg/m3","source":"GB 13271-2014 table 2","unverified":false,"late":false,"evidence":{"slot_ms":[],"value":[],"flag":[],"helper":[],"n_valid":60,"n_due":60,"measured":null,"o2":null,"from_device":false}}');
CREATE TABLE delivery_attempt (
	page_id VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	started_ms BIGINT NOT NULL, 
	ended_ms BIGINT, 
	status VARCHAR(20) NOT NULL, 
	resend BOOLEAN NOT NULL, 
	detail TEXT NOT NULL, 
	provider_id TEXT NOT NULL, 
	PRIMARY KEY (page_id, number), 
	FOREIGN KEY(page_id) REFERENCES outbox (page_id)
);
INSERT INTO "delivery_attempt" VALUES('c46149b5164ab22eabcfef96788feecad329a6a78bbcc52bf4110a63a5fc0bda',1,1772337600000,1772337600005,'delivered',0,'','m-1');
INSERT INTO "delivery_attempt" VALUES('bb5238a6fefea2c6f546de63f00702fc211abbbd1e78d46f2bd03f74d8718562',1,1772337600005,NULL,'sending',0,'','');
CREATE TABLE meta (
	name VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema_version','1');
CREATE TABLE outbox (
	page_id VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	alert_id VARCHAR(32) NOT NULL, 
	seq INTEGER NOT NULL, 
	step VARCHAR(20) NOT NULL, 
	loop INTEGER NOT NULL, 
	person TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	others TEXT NOT NULL, 
	policy_version TEXT NOT NULL, 
	decided_ms BIGINT NOT NULL, 
	body TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	attempts INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	resends INTEGER NOT NULL, 
	next_ms BIGINT NOT NULL, 
	lease_ms BIGINT NOT NULL, 
	detail TEXT NOT NULL, 
	provider_id TEXT NOT NULL, 
	PRIMARY KEY (page_id), 
	FOREIGN KEY(alert_id) REFERENCES alert (alert_id)
);
INSERT INTO "outbox" VALUES('c46149b5164ab22eabcfef96788feecad329a6a78bbcc52bf4110a63a5fc0bda',1,'YEAIEQRIH4ENQ2XN',0,'opened',0,'li','bot','["terminal"]','1',1772341800000,'{"alert_id":"YEAIEQRIH4ENQ2XN","episode":"YEAIEQRIH4ENQ2XN","step":"opened","decision":"page","kind":"exceedance","alert_class":"legal","rule":"gas-hour","rule_text_zh":"","rule_text_en":"","severity":2,"enterprise":"清源造纸厂","outlet":"1号锅炉烟囱","factor":"a21026","factor_zh":"二氧化硫","factor_en":"SO2","mn":"","unit":"mg/m3","value":68.0,"ceiling":50.0,"floor":null,"source":"GB 13271-2014 table 2","unverified":false,"start_ms":1772337600000,"end_ms":1772341200000,"at_ms":1772341800000,"zone":"Asia/Shanghai"}','delivered',1,0,0,1772337600005,0,'','m-1');
INSERT INTO "outbox" VALUES('bb5238a6fefea2c6f546de63f00702fc211abbbd1e78d46f2bd03f74d8718562',2,'FF22EHNGS47RJJ27',0,'opened',0,'li','bot','["terminal"]','1',1772341800000,'{"alert_id":"FF22EHNGS47RJJ27","episode":"FF22EHNGS47RJJ27","step":"opened","decision":"page","kind":"offline","alert_class":"integrity","rule":"offline","rule_text_zh":"","rule_text_en":"","severity":3,"enterprise":"清源造纸厂","outlet":"1号锅炉烟囱","factor":"","factor_zh":"","factor_en":"","mn":"MN1","unit":"","value":null,"ceiling":null,"floor":null,"source":"","unverified":false,"start_ms":1772337600000,"end_ms":null,"at_ms":1772341800000,"zone":"Asia/Shanghai"}','sending',1,0,0,0,1772337660005,'','');
INSERT INTO "outbox" VALUES('6ef918ea17c0ee1a6aa01244ea2386e2c83e0e2383971dc8fae741648803ad2e',3,'YEAIEQRIH4ENQ2XN',1,'returned',0,'li','bot','["terminal"]','1',1772349000000,'{"alert_id":"YEAIEQRIH4ENQ2XN","episode":"YEAIEQRIH4ENQ2XN","step":"returned","decision":"page_returned","kind":"exceedance","alert_class":"legal","rule":"gas-hour","rule_text_zh":"","rule_text_en":"","severity":2,"enterprise":"清源造纸厂","outlet":"1号锅炉烟囱","factor":"a21026","factor_zh":"二氧化硫","factor_en":"SO2","mn":"","unit":"mg/m3","value":68.0,"ceiling":50.0,"floor":null,"source":"GB 13271-2014 table 2","unverified":false,"start_ms":1772337600000,"end_ms":1772341200000,"at_ms":1772349000000,"zone":"Asia/Shanghai"}','waiting',0,0,0,0,0,'','');
CREATE TABLE rule_set (
	version VARCHAR(64) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "rule_set" VALUES('r1','{"version":"r1","judging":{"zone":"Asia/Shanghai","patience_hour_s":600,"patience_day_s":3600,"late_bound_h":48,"future_max_s":300,"revise_every_s":60,"o2_max":19.0,"zero_flow_due":false},"rules":[{"id":"water-day","kind":"exceedance","alert_class":"legal","select":{"mediums":[],"outlets":[],"factors":[]},"averaging":"hour","share_max":0.25,"in_a_row":3,"fraction":1.0,"silence_s":3600,"severity":null,"text_zh":"","text_en":""},{"id":"gas-hour","kind":"exceedance","alert_class":"legal","select":{"mediums":[],"outlets":[],"factors":[]},"averaging":"hour","share_max":0.25,"in_a_row":3,"fraction":1.0,"silence_s":3600,"severity":null,"text_zh":"","text_en":""}],"limits":{"columns":["outlet","factor","averaging","ceiling","floor","basis","reference_o2","weighting","decimals","source","unverified","valid_from_ms","valid_to_ms"],"rows":[]}}');
CREATE INDEX alert_by_outlet ON alert (outlet, end_ms);
CREATE INDEX alert_by_time ON alert (opened_ms);
CREATE INDEX outbox_by_alert ON outbox (alert_id);
CREATE INDEX outbox_by_state ON outbox (state, next_ms);
CREATE INDEX outbox_by_number ON outbox (number);
COMMIT;
