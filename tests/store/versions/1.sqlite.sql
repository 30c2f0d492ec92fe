BEGIN TRANSACTION;
CREATE TABLE activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT, connection_id INTEGER NOT NULL, dedupe TEXT NOT NULL, delivery_id INTEGER, place INTEGER, thread_id TEXT NOT NULL,
    case_id TEXT, seq INTEGER, state INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL, received_at INTEGER NOT NULL,
    UNIQUE (connection_id, dedupe));
INSERT INTO "activities" VALUES(1,1,'564cb76e2b3a0695ba760a0ba263d8bf',1,0,'019b76da-a800-7ef6-90a8-7fed3c84bc68','019b76da-a800-75b6-ae30-db3b28863d8d',1,1,'message',1767225600000000);
INSERT INTO "activities" VALUES(2,1,'3f8510636a81e131400479a2f400711d',2,0,'019b76da-abe8-721d-a887-7901a523ce61','019b76da-abe8-7ac4-85a3-2e1d976dac60',1,1,'message',1767225600000000);
INSERT INTO "activities" VALUES(3,1,'932be1794a47fa5cb9e3dfb06ab3f25f',3,0,'019b76da-abe8-76a9-bf45-290271639ba5','019b76da-abe8-714e-9f99-07ad3d451317',1,1,'message',1767225600000000);
INSERT INTO "activities" VALUES(4,1,'a05bfb42565443c273befd7bd97cb8a4',4,0,'019b76da-afd0-7281-99a5-5b5723b00ec6','019b76da-afd0-7bc1-85b3-42892a799b59',1,1,'message',1767225600000000);
INSERT INTO "activities" VALUES(5,0,'a21597a36329670829c54bc50886c1e9',NULL,NULL,'019b76da-abe8-762c-a2cb-961c466d4486','019b76da-a800-75b6-ae30-db3b28863d8d',2,1,'outcome',1767225601000000);
INSERT INTO "activities" VALUES(6,1,'1cd990531693fbbd7898e7a2a7f0208a',5,0,'019b76da-abe8-76a9-bf45-290271639ba5','019b76da-a800-75b6-ae30-db3b28863d8d',3,1,'message',1767225600000000);
INSERT INTO "activities" VALUES(7,1,'3d28f3ab9f322293588973a352d89a0a',6,0,'019b76da-a800-7ef6-90a8-7fed3c84bc68',NULL,NULL,0,'message',1767225600000000);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL,
    previous TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO "audit" VALUES(1,1767225600000000,'test','case.merge','019b76da-abe8-714e-9f99-07ad3d451317','{"into":"019b76da-a800-75b6-ae30-db3b28863d8d"}','0000000000000000000000000000000000000000000000000000000000000000','7c196ba2a18a2e239dc06dcc46f9c5312b37f6f1068929efa774e255823b53f6');
CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE calls (connection_id INTEGER NOT NULL, case_id TEXT NOT NULL, called_at INTEGER NOT NULL);
INSERT INTO "calls" VALUES(2,'019b76da-a800-75b6-ae30-db3b28863d8d',1767225600000000);
INSERT INTO "calls" VALUES(2,'019b76da-abe8-7ac4-85a3-2e1d976dac60',1767225600000000);
INSERT INTO "calls" VALUES(2,'019b76da-abe8-714e-9f99-07ad3d451317',1767225600000000);
INSERT INTO "calls" VALUES(2,'019b76da-afd0-7bc1-85b3-42892a799b59',1767225600000000);
CREATE TABLE cases (
    id TEXT PRIMARY KEY, root_id TEXT NOT NULL, merged_into TEXT, contact_id TEXT, created_at INTEGER NOT NULL,
    seq INTEGER NOT NULL, doc TEXT NOT NULL);
INSERT INTO "cases" VALUES('019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-a800-75b6-ae30-db3b28863d8d',NULL,'019b76da-a800-7030-a7c9-3f5b2e289d43',1767225600000000,3,'{"id":"019b76da-a800-75b6-ae30-db3b28863d8d","status":"open","subject":"where is my parcel","channel":"chat","connection":"chat","customer":null,"priority":null,"tags":[],"opened_at":1767225600000000,"last_activity_at":1767225600000000,"customer_messages":0,"agent_messages":0,"last_connection":"","last_thread":"","targets":[],"observed":[],"rehearsed":[],"silenced":[],"seq":3}');
INSERT INTO "cases" VALUES('019b76da-abe8-7ac4-85a3-2e1d976dac60','019b76da-abe8-7ac4-85a3-2e1d976dac60',NULL,'019b76da-abe8-7219-8878-663e3db4176b',1767225601000000,1,'{"id":"019b76da-abe8-7ac4-85a3-2e1d976dac60","status":"open","subject":"hello","channel":"chat","connection":"chat","customer":null,"priority":null,"tags":[],"opened_at":1767225600000000,"last_activity_at":1767225600000000,"customer_messages":0,"agent_messages":0,"last_connection":"","last_thread":"","targets":[],"observed":[],"rehearsed":[],"silenced":[],"seq":1}');
INSERT INTO "cases" VALUES('019b76da-abe8-714e-9f99-07ad3d451317','019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-abe8-7318-b804-b61f7e6ba76b',1767225601000000,1,'{"id":"019b76da-abe8-714e-9f99-07ad3d451317","status":"open","subject":"hello","channel":"chat","connection":"chat","customer":null,"priority":null,"tags":[],"opened_at":1767225600000000,"last_activity_at":1767225600000000,"customer_messages":0,"agent_messages":0,"last_connection":"","last_thread":"","targets":[],"observed":[],"rehearsed":[],"silenced":[],"seq":1}');
INSERT INTO "cases" VALUES('019b76da-afd0-7bc1-85b3-42892a799b59','019b76da-afd0-7bc1-85b3-42892a799b59',NULL,NULL,1767225602000000,1,'{"id":"019b76da-afd0-7bc1-85b3-42892a799b59","status":"open","subject":"hello","channel":"chat","connection":"chat","customer":null,"priority":null,"tags":[],"opened_at":1767225600000000,"last_activity_at":1767225600000000,"customer_messages":0,"agent_messages":0,"last_connection":"","last_thread":"","targets":[],"observed":[],"rehearsed":[],"silenced":[],"seq":1}');
CREATE TABLE connections (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
INSERT INTO "connections" VALUES(1,'chat');
INSERT INTO "connections" VALUES(2,'desk');
CREATE TABLE contacts (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL);
INSERT INTO "contacts" VALUES('019b76da-a800-7030-a7c9-3f5b2e289d43',1767225600000000);
INSERT INTO "contacts" VALUES('019b76da-abe8-7219-8878-663e3db4176b',1767225601000000);
INSERT INTO "contacts" VALUES('019b76da-abe8-7318-b804-b61f7e6ba76b',1767225601000000);
CREATE TABLE contents (activity_id INTEGER PRIMARY KEY, doc TEXT NOT NULL);
INSERT INTO "contents" VALUES(1,'{"kind":"message","connection":"chat","thread":"a","dedupe":"a1","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"user","value":"ann","name":"Ann","role":"customer","evidence":"attested","email":""},"recipients":[],"audience":"internal","subject":"","text":"where is my parcel","reply_text":"where is my parcel","message_id":"a1","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(2,'{"kind":"message","connection":"chat","thread":"c","dedupe":"c1","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"email","value":"Ann@Example.org","name":"","role":"customer","evidence":"claimed","email":""},"recipients":[],"audience":"internal","subject":"","text":"hello","reply_text":"hello","message_id":"c1","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(3,'{"kind":"message","connection":"chat","thread":"b","dedupe":"b1","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"user","value":"bob","name":"Bob","role":"customer","evidence":"attested","email":""},"recipients":[],"audience":"internal","subject":"","text":"hello","reply_text":"hello","message_id":"b1","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(4,'{"kind":"message","connection":"chat","thread":"g","dedupe":"g1","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"bot","value":"hello","name":"","role":"bot","evidence":"attested","email":""},"recipients":[],"audience":"internal","subject":"","text":"hello","reply_text":"hello","message_id":"g1","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(5,'{"kind":"outcome","connection":"baton","thread":"019b76da-a800-75b6-ae30-db3b28863d8d","dedupe":"outcome:6930de70-bc10-5125-87ee-dbe3eb09837b:1","occurred_at":1767225601000000,"received_at":1767225601000000,"channel":null,"sender":null,"recipients":[],"audience":"internal","subject":"","text":"","reply_text":"","message_id":"","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":{"effect_id":"6930de70-bc10-5125-87ee-dbe3eb09837b","effect_kind":"handoff","connection":"desk","rule":"","episode_id":null,"landed":true,"discarded":false,"receipt":{"ids":[{"kind":"ticket","id":"55"}],"ticket_id":"55","url":"u","thread":"ticket:55"},"reason":""},"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(6,'{"kind":"message","connection":"chat","thread":"b","dedupe":"b2","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"user","value":"bob","name":"Bob","role":"customer","evidence":"attested","email":""},"recipients":[],"audience":"internal","subject":"","text":"hello","reply_text":"hello","message_id":"b2","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
INSERT INTO "contents" VALUES(7,'{"kind":"message","connection":"chat","thread":"a","dedupe":"a2","occurred_at":1767225600000000,"received_at":1767225600000000,"channel":"chat","sender":{"kind":"user","value":"ann","name":"Ann","role":"customer","evidence":"attested","email":""},"recipients":[],"audience":"internal","subject":"","text":"hello","reply_text":"hello","message_id":"a2","language":"","attachments":[],"button":null,"ticket":null,"mail":null,"call":null,"bot":null,"report":null,"satisfaction":null,"consent":null,"outcome":null,"name":"","own":false,"reference":null,"extras":{}}');
CREATE TABLE cursors (
    connection_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (connection_id, name));
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ref TEXT NOT NULL, delivery_id INTEGER, connection_id INTEGER NOT NULL, case_id TEXT,
    reason TEXT NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, connection_id INTEGER NOT NULL, lane TEXT NOT NULL, received_at INTEGER NOT NULL, schema_version INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0);
INSERT INTO "deliveries" VALUES(1,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(2,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(3,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(4,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(5,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(6,1,'l',1767225600000000,1,1,1,0,0,0);
INSERT INTO "deliveries" VALUES(7,1,'l',1767225600000000,1,0,0,0,0,0);
CREATE TABLE effects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, case_id TEXT NOT NULL, connection_id INTEGER NOT NULL, kind TEXT NOT NULL,
    rule TEXT NOT NULL, state INTEGER NOT NULL, due_at INTEGER NOT NULL, lease_until INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, batch TEXT, created_at INTEGER NOT NULL,
    doc TEXT NOT NULL, receipt TEXT, reason TEXT NOT NULL DEFAULT '');
INSERT INTO "effects" VALUES(1,'6930de70-bc10-5125-87ee-dbe3eb09837b','019b76da-a800-75b6-ae30-db3b28863d8d',2,'handoff','',10,0,0,1,1,'6930de70-bc10-5125-87ee-dbe3eb09837b',1767225600000000,'{"id":"6930de70-bc10-5125-87ee-dbe3eb09837b","kind":"handoff","case_id":"019b76da-a800-75b6-ae30-db3b28863d8d","connection":"desk","mode":"live","cause":["chat","a1"],"rule":"","episode_id":null,"due_at":0,"destination":"","text":"","title":"","priority":null,"tags":[],"fields":{},"buttons":[],"acknowledge_by":null}','{"ids":[{"kind":"ticket","id":"55"}],"ticket_id":"55","url":"u","thread":"ticket:55"}','');
INSERT INTO "effects" VALUES(2,'04e3bb53-e77e-5e7e-9682-e21169c37250','019b76da-abe8-7ac4-85a3-2e1d976dac60',2,'handoff','',1,0,1767225630000000,1,1,'04e3bb53-e77e-5e7e-9682-e21169c37250',1767225600000000,'{"id":"04e3bb53-e77e-5e7e-9682-e21169c37250","kind":"handoff","case_id":"019b76da-abe8-7ac4-85a3-2e1d976dac60","connection":"desk","mode":"live","cause":["chat","c1"],"rule":"","episode_id":null,"due_at":0,"destination":"","text":"","title":"","priority":null,"tags":[],"fields":{},"buttons":[],"acknowledge_by":null}',NULL,'');
INSERT INTO "effects" VALUES(3,'13521e1c-7303-506e-8fac-14e9595295ad','019b76da-abe8-714e-9f99-07ad3d451317',2,'handoff','',1,0,1767225630000000,1,1,'13521e1c-7303-506e-8fac-14e9595295ad',1767225600000000,'{"id":"13521e1c-7303-506e-8fac-14e9595295ad","kind":"handoff","case_id":"019b76da-abe8-714e-9f99-07ad3d451317","connection":"desk","mode":"live","cause":["chat","b1"],"rule":"","episode_id":null,"due_at":0,"destination":"","text":"","title":"","priority":null,"tags":[],"fields":{},"buttons":[],"acknowledge_by":null}',NULL,'');
INSERT INTO "effects" VALUES(4,'6a51c25d-05be-5e4a-a392-7a43ce1db117','019b76da-afd0-7bc1-85b3-42892a799b59',2,'handoff','',1,0,1767225630000000,1,1,'6a51c25d-05be-5e4a-a392-7a43ce1db117',1767225600000000,'{"id":"6a51c25d-05be-5e4a-a392-7a43ce1db117","kind":"handoff","case_id":"019b76da-afd0-7bc1-85b3-42892a799b59","connection":"desk","mode":"live","cause":["chat","g1"],"rule":"","episode_id":null,"due_at":0,"destination":"","text":"","title":"","priority":null,"tags":[],"fields":{},"buttons":[],"acknowledge_by":null}',NULL,'');
CREATE TABLE episodes (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, state TEXT NOT NULL, policy TEXT NOT NULL, opened_at INTEGER NOT NULL,
    doc TEXT NOT NULL);
CREATE TABLE foreign_ids (
    connection_id INTEGER NOT NULL, kind TEXT NOT NULL, foreign_id TEXT NOT NULL, case_id TEXT NOT NULL, effect_id TEXT NOT NULL,
    PRIMARY KEY (connection_id, kind, foreign_id));
INSERT INTO "foreign_ids" VALUES(2,'ticket','55','019b76da-a800-75b6-ae30-db3b28863d8d','6930de70-bc10-5125-87ee-dbe3eb09837b');
CREATE TABLE identifiers (
    connection_id INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, contact_id TEXT NOT NULL, evidence TEXT NOT NULL,
    name TEXT NOT NULL, PRIMARY KEY (connection_id, kind, value));
INSERT INTO "identifiers" VALUES(1,'user','ann','019b76da-a800-7030-a7c9-3f5b2e289d43','attested','Ann');
INSERT INTO "identifiers" VALUES(1,'email','Ann@Example.org','019b76da-abe8-7219-8878-663e3db4176b','claimed','');
INSERT INTO "identifiers" VALUES(1,'user','bob','019b76da-abe8-7318-b804-b61f7e6ba76b','attested','Bob');
CREATE TABLE merges (
    id INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, into_id TEXT NOT NULL, threads TEXT NOT NULL, actor TEXT NOT NULL,
    merged_at INTEGER NOT NULL, undone_at INTEGER);
INSERT INTO "merges" VALUES(1,'019b76da-abe8-714e-9f99-07ad3d451317','019b76da-a800-75b6-ae30-db3b28863d8d','["019b76da-abe8-76a9-bf45-290271639ba5"]','test',1767225600000000,NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('version','1');
CREATE TABLE pauses (scope TEXT PRIMARY KEY, actor TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE payloads (
    delivery_id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, headers TEXT NOT NULL,
    body BLOB, blob TEXT, traceparent TEXT NOT NULL);
INSERT INTO "payloads" VALUES(1,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(2,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(3,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(4,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(5,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(6,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
INSERT INTO "payloads" VALUES(7,'','POST','https://x/h','[["Content-Type","application/json"]]',X'7B7D',NULL,'');
CREATE TABLE policies (digest TEXT PRIMARY KEY, text TEXT NOT NULL, saved_at INTEGER NOT NULL);
CREATE TABLE threads (
    id TEXT PRIMARY KEY, connection_id INTEGER NOT NULL, key TEXT NOT NULL, channel TEXT, case_id TEXT NOT NULL,
    home_case_id TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (connection_id, key));
INSERT INTO "threads" VALUES('019b76da-a800-7ef6-90a8-7fed3c84bc68',1,'a','chat','019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-a800-75b6-ae30-db3b28863d8d',1767225600000000);
INSERT INTO "threads" VALUES('019b76da-abe8-721d-a887-7901a523ce61',1,'c','chat','019b76da-abe8-7ac4-85a3-2e1d976dac60','019b76da-abe8-7ac4-85a3-2e1d976dac60',1767225601000000);
INSERT INTO "threads" VALUES('019b76da-abe8-76a9-bf45-290271639ba5',1,'b','chat','019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-abe8-714e-9f99-07ad3d451317',1767225601000000);
INSERT INTO "threads" VALUES('019b76da-afd0-7281-99a5-5b5723b00ec6',1,'g','chat','019b76da-afd0-7bc1-85b3-42892a799b59','019b76da-afd0-7bc1-85b3-42892a799b59',1767225602000000);
INSERT INTO "threads" VALUES('019b76da-abe8-7990-8697-6fdf0fadb193',2,'ticket:55',NULL,'019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-a800-75b6-ae30-db3b28863d8d',1767225601000000);
INSERT INTO "threads" VALUES('019b76da-abe8-762c-a2cb-961c466d4486',0,'019b76da-a800-75b6-ae30-db3b28863d8d',NULL,'019b76da-a800-75b6-ae30-db3b28863d8d','019b76da-a800-75b6-ae30-db3b28863d8d',1767225601000000);
CREATE TABLE tickets (
    connection_id INTEGER NOT NULL, ticket_id TEXT NOT NULL, case_id TEXT NOT NULL, doc TEXT NOT NULL,
    PRIMARY KEY (connection_id, ticket_id));
INSERT INTO "tickets" VALUES(2,'55','019b76da-a800-75b6-ae30-db3b28863d8d','{"connection":"desk","ticket_id":"55","adopted":false,"url":"u","status":null}');
CREATE TABLE timers (
    case_id TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (case_id, name));
CREATE TABLE traces (activity_id INTEGER PRIMARY KEY, policy TEXT NOT NULL, doc TEXT NOT NULL);
INSERT INTO "traces" VALUES(1,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
INSERT INTO "traces" VALUES(2,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
INSERT INTO "traces" VALUES(3,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
INSERT INTO "traces" VALUES(4,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
INSERT INTO "traces" VALUES(5,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
INSERT INTO "traces" VALUES(6,'p','{"policy":"p","result":"none","sentence":"kept","steps":[],"skipped":0}');
CREATE INDEX deliveries_waiting ON deliveries (id) WHERE state = 0;
CREATE INDEX deliveries_received ON deliveries (received_at);
CREATE INDEX cases_root ON cases (root_id);
CREATE INDEX threads_case ON threads (case_id);
CREATE INDEX activities_waiting ON activities (id) WHERE state = 0;
CREATE INDEX activities_thread_waiting ON activities (thread_id, id) WHERE state = 0;
CREATE INDEX activities_case ON activities (case_id, seq) WHERE state = 1;
CREATE UNIQUE INDEX episodes_one_open ON episodes (case_id) WHERE state <> 'closed';
CREATE INDEX tickets_case ON tickets (case_id);
CREATE INDEX effects_open ON effects (connection_id, case_id, seq) WHERE state < 10;
CREATE INDEX effects_due ON effects (due_at) WHERE state < 10;
CREATE INDEX effects_case ON effects (case_id);
CREATE INDEX calls_recent ON calls (connection_id, called_at);
CREATE INDEX timers_due ON timers (due_at);
CREATE INDEX dead_letters_open ON dead_letters (state, id);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are final'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are final'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('connections',2);
INSERT INTO "sqlite_sequence" VALUES('deliveries',7);
INSERT INTO "sqlite_sequence" VALUES('activities',7);
INSERT INTO "sqlite_sequence" VALUES('effects',4);
INSERT INTO "sqlite_sequence" VALUES('merges',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
COMMIT;
