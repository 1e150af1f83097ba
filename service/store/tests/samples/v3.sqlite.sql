-- A whole SQLite database of schema version 3, written through the store of that time.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'0001_ml_metadata','2026-11-26 14:56:11',1,X'd9ce0bce4fecb3bbe71623c5f1ccc4498f70b21ed992995555582a897ecb1422ad158ef7be8dcd4cda481c7a72b99ad8',4979998);
INSERT INTO _sqlx_migrations VALUES(2,'0002_trainyard','2026-11-26 14:56:11',1,X'51bc2eca6032fd36f0354a563b9ffdcd64a1e08f3750e60cd4863723de1f154d0caef117056d3fe5542c4762db21e1ea',3495471);
INSERT INTO _sqlx_migrations VALUES(3,'0003_registry','2026-11-26 14:56:11',1,X'ad5d49ddbdbbbdd3cfd695d0f586ff4c5853316f6feb2389aebf1c68123ee8006df37d43bf66930dd574202d6e968f63',8569129);
CREATE TABLE `Type` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `name` VARCHAR(255) NOT NULL,
  `version` VARCHAR(255),
  `type_kind` TINYINT(1) NOT NULL,
  `description` TEXT,
  `input_type` TEXT,
  `output_type` TEXT,
  `external_id` VARCHAR(255) UNIQUE
);
INSERT INTO Type VALUES(1,'mlmd.Dataset',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(2,'mlmd.Model',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(3,'mlmd.Metrics',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(4,'mlmd.Statistics',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(5,'mlmd.Train',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(6,'mlmd.Transform',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(7,'mlmd.Process',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(8,'mlmd.Evaluate',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(9,'mlmd.Deploy',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(10,'pipeline',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(11,'pipeline_run',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(12,'node',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(13,'execution_cache',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(14,'ExternalData',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(15,'Examples',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(16,'ExampleStatistics',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(17,'Schema',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(18,'ExampleAnomalies',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(19,'TransformGraph',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(20,'Model',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(21,'InferenceResult',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(22,'ModelEvaluation',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(23,'ModelBlessing',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(24,'InfraBlessing',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(25,'PushedModel',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(26,'ExampleGen',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(27,'StatisticsGen',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(28,'SchemaGen',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(29,'ExampleValidator',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(30,'Transform',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(31,'Trainer',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(32,'Evaluator',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(33,'Pusher',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO Type VALUES(34,'Gate',NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE `TypeProperty` (
  `type_id` INT NOT NULL,
  `name` VARCHAR(255) NOT NULL,
  `data_type` INT NULL,
  PRIMARY KEY (`type_id`, `name`)
);
INSERT INTO TypeProperty VALUES(15,'span',1);
INSERT INTO TypeProperty VALUES(15,'version',1);
INSERT INTO TypeProperty VALUES(15,'split_names',3);
INSERT INTO TypeProperty VALUES(16,'span',1);
INSERT INTO TypeProperty VALUES(16,'split_names',3);
INSERT INTO TypeProperty VALUES(18,'span',1);
INSERT INTO TypeProperty VALUES(18,'split_names',3);
CREATE TABLE `ParentType` (
  `type_id` INT NOT NULL,
  `parent_type_id` INT NOT NULL,
  PRIMARY KEY (`type_id`, `parent_type_id`)
);
INSERT INTO ParentType VALUES(14,1);
INSERT INTO ParentType VALUES(15,1);
INSERT INTO ParentType VALUES(16,4);
INSERT INTO ParentType VALUES(20,2);
INSERT INTO ParentType VALUES(22,3);
INSERT INTO ParentType VALUES(25,2);
INSERT INTO ParentType VALUES(26,7);
INSERT INTO ParentType VALUES(27,7);
INSERT INTO ParentType VALUES(28,7);
INSERT INTO ParentType VALUES(29,7);
INSERT INTO ParentType VALUES(30,6);
INSERT INTO ParentType VALUES(31,5);
INSERT INTO ParentType VALUES(32,8);
INSERT INTO ParentType VALUES(33,9);
CREATE TABLE `Artifact` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `type_id` INT NOT NULL,
  `uri` TEXT,
  `state` INT,
  `name` VARCHAR(255),
  `external_id` VARCHAR(255) UNIQUE,
  `create_time_since_epoch` INT NOT NULL DEFAULT 0,
  `last_update_time_since_epoch` INT NOT NULL DEFAULT 0,
  UNIQUE(`type_id`, `name`)
);
INSERT INTO Artifact VALUES(1,14,'/data/artifacts/3',2,'flights/2013-03',NULL,1700000008000,1700000008000);
INSERT INTO Artifact VALUES(2,15,'/data/artifacts/4',2,'old',NULL,1700000008000,1700000008000);
INSERT INTO Artifact VALUES(3,15,'/data/artifacts/2',2,'r1/examples/examples',NULL,1700000009000,1700000009000);
INSERT INTO Artifact VALUES(4,20,'/data/artifacts/1',2,'r1/train/model',NULL,1700000009000,1700000009000);
INSERT INTO Artifact VALUES(6,23,'/data/artifacts/5',2,'promote/1/blessing',NULL,1700000010000,1700000010000);
CREATE TABLE `ArtifactProperty` (
  `artifact_id` INT NOT NULL,
  `name` VARCHAR(255) NOT NULL,
  `is_custom_property` TINYINT(1) NOT NULL,
  `int_value` INT,
  `double_value` DOUBLE,
  `string_value` TEXT,
  `byte_value` BLOB,
  `proto_value` BLOB,
  `bool_value` BOOLEAN,
  PRIMARY KEY (`artifact_id`, `name`, `is_custom_property`)
);
INSERT INTO ArtifactProperty VALUES(1,'digest',1,NULL,NULL,'sha256:0303030303030303030303030303030303030303030303030303030303030303',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(1,'state',1,NULL,NULL,'published',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(2,'digest',1,NULL,NULL,'sha256:0404040404040404040404040404040404040404040404040404040404040404',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(2,'state',1,NULL,NULL,'published',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(3,'span',0,17167,NULL,NULL,NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(3,'split_names',0,NULL,NULL,'["train","eval"]',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(3,'rows',1,28135,NULL,NULL,NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(3,'digest',1,NULL,NULL,'sha256:0202020202020202020202020202020202020202020202020202020202020202',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(3,'state',1,NULL,NULL,'published',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(4,'framework',1,NULL,NULL,'lightgbm',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(4,'auc',1,NULL,0.66900000000000003907,NULL,NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(4,'calibrated',1,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO ArtifactProperty VALUES(4,'digest',1,NULL,NULL,'sha256:0101010101010101010101010101010101010101010101010101010101010101',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(4,'state',1,NULL,NULL,'published',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(6,'digest',1,NULL,NULL,'sha256:0505050505050505050505050505050505050505050505050505050505050505',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(6,'state',1,NULL,NULL,'published',NULL,NULL,NULL);
INSERT INTO ArtifactProperty VALUES(6,'current_model_id',1,4,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE `Execution` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `type_id` INT NOT NULL,
  `last_known_state` INT,
  `name` VARCHAR(255),
  `external_id` VARCHAR(255) UNIQUE,
  `create_time_since_epoch` INT NOT NULL DEFAULT 0,
  `last_update_time_since_epoch` INT NOT NULL DEFAULT 0,
  UNIQUE(`type_id`, `name`)
);
INSERT INTO Execution VALUES(1,26,3,'r1/examples',NULL,1700000008000,1700000009000);
INSERT INTO Execution VALUES(4,31,3,'r1/train',NULL,1700000009000,1700000009000);
INSERT INTO Execution VALUES(6,30,4,'r1/transform',NULL,1700000009000,1700000009000);
INSERT INTO Execution VALUES(7,26,5,'r1/newest',NULL,1700000009000,1700000009000);
INSERT INTO Execution VALUES(8,34,3,'promote/1',NULL,1700000010000,1700000010000);
CREATE TABLE `ExecutionProperty` (
  `execution_id` INT NOT NULL,
  `name` VARCHAR(255) NOT NULL,
  `is_custom_property` TINYINT(1) NOT NULL,
  `int_value` INT,
  `double_value` DOUBLE,
  `string_value` TEXT,
  `byte_value` BLOB,
  `proto_value` BLOB,
  `bool_value` BOOLEAN,
  PRIMARY KEY (`execution_id`, `name`, `is_custom_property`)
);
INSERT INTO ExecutionProperty VALUES(1,'cache_key',1,NULL,NULL,'k',NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(1,'image_id',1,NULL,NULL,'sha256:1',NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(1,'auc',1,NULL,0.6500000000000000222,NULL,NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(1,'log_loss',1,NULL,3.0,NULL,NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(4,'cache_key',1,NULL,NULL,'k',NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(4,'image_id',1,NULL,NULL,'sha256:1',NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(4,'auc',1,NULL,0.6500000000000000222,NULL,NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(4,'log_loss',1,NULL,3.0,NULL,NULL,NULL,NULL);
INSERT INTO ExecutionProperty VALUES(6,'reason',1,NULL,NULL,'out of memory',NULL,NULL,NULL);
CREATE TABLE `Event` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `artifact_id` INT NOT NULL,
  `execution_id` INT NOT NULL,
  `type` INT NOT NULL,
  `milliseconds_since_epoch` INT,
  UNIQUE(`artifact_id`, `execution_id`, `type`)
);
INSERT INTO Event VALUES(1,1,1,3,1700000008000);
INSERT INTO Event VALUES(2,2,1,5,1700000008000);
INSERT INTO Event VALUES(3,3,1,4,1700000009000);
INSERT INTO Event VALUES(4,3,4,3,1700000009000);
INSERT INTO Event VALUES(5,4,4,4,1700000009000);
INSERT INTO Event VALUES(6,3,7,4,1700000009000);
INSERT INTO Event VALUES(7,4,8,3,1700000010000);
INSERT INTO Event VALUES(8,6,8,4,1700000010000);
CREATE TABLE `EventPath` (
  `event_id` INT NOT NULL,
  `is_index_step` TINYINT(1) NOT NULL,
  `step_index` INT,
  `step_key` TEXT
);
INSERT INTO EventPath VALUES(1,0,NULL,'data');
INSERT INTO EventPath VALUES(1,1,0,NULL);
INSERT INTO EventPath VALUES(2,0,NULL,'memo');
INSERT INTO EventPath VALUES(2,1,0,NULL);
INSERT INTO EventPath VALUES(3,0,NULL,'examples');
INSERT INTO EventPath VALUES(3,1,0,NULL);
INSERT INTO EventPath VALUES(4,0,NULL,'examples');
INSERT INTO EventPath VALUES(4,1,0,NULL);
INSERT INTO EventPath VALUES(5,0,NULL,'model');
INSERT INTO EventPath VALUES(5,1,0,NULL);
INSERT INTO EventPath VALUES(6,0,NULL,'examples');
INSERT INTO EventPath VALUES(6,1,0,NULL);
INSERT INTO EventPath VALUES(7,0,NULL,'model');
INSERT INTO EventPath VALUES(7,1,0,NULL);
INSERT INTO EventPath VALUES(8,0,NULL,'blessing');
INSERT INTO EventPath VALUES(8,1,0,NULL);
CREATE TABLE `MLMDEnv` (
  `schema_version` INTEGER PRIMARY KEY
);
INSERT INTO MLMDEnv VALUES(10);
CREATE TABLE `Context` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `type_id` INT NOT NULL,
  `name` VARCHAR(255) NOT NULL,
  `external_id` VARCHAR(255) UNIQUE,
  `create_time_since_epoch` INT NOT NULL DEFAULT 0,
  `last_update_time_since_epoch` INT NOT NULL DEFAULT 0,
  UNIQUE(`type_id`, `name`)
);
INSERT INTO Context VALUES(1,10,'flights',NULL,1700000008000,1700000008000);
INSERT INTO Context VALUES(2,11,'r1',NULL,1700000008000,1700000008000);
INSERT INTO Context VALUES(3,12,'flights.examples',NULL,1700000008000,1700000008000);
INSERT INTO Context VALUES(4,13,'k1',NULL,1700000009000,1700000009000);
INSERT INTO Context VALUES(5,12,'flights.train',NULL,1700000009000,1700000009000);
INSERT INTO Context VALUES(6,13,'k4',NULL,1700000009000,1700000009000);
INSERT INTO Context VALUES(7,12,'flights.transform',NULL,1700000009000,1700000009000);
INSERT INTO Context VALUES(8,12,'flights.newest',NULL,1700000009000,1700000009000);
INSERT INTO Context VALUES(10,12,'flights.promote',NULL,1700000010000,1700000010000);
CREATE TABLE `ContextProperty` (
  `context_id` INT NOT NULL,
  `name` VARCHAR(255) NOT NULL,
  `is_custom_property` TINYINT(1) NOT NULL,
  `int_value` INT,
  `double_value` DOUBLE,
  `string_value` TEXT,
  `byte_value` BLOB,
  `proto_value` BLOB,
  `bool_value` BOOLEAN,
  PRIMARY KEY (`context_id`, `name`, `is_custom_property`)
);
INSERT INTO ContextProperty VALUES(2,'trigger',1,NULL,NULL,'push',NULL,NULL,NULL);
INSERT INTO ContextProperty VALUES(2,'branch',1,NULL,NULL,'main',NULL,NULL,NULL);
INSERT INTO ContextProperty VALUES(2,'commit',1,NULL,NULL,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,NULL,NULL);
CREATE TABLE `ParentContext` (
  `context_id` INT NOT NULL,
  `parent_context_id` INT NOT NULL,
  PRIMARY KEY (`context_id`, `parent_context_id`)
);
INSERT INTO ParentContext VALUES(2,1);
CREATE TABLE `Association` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `context_id` INT NOT NULL,
  `execution_id` INT NOT NULL,
  UNIQUE(`context_id`, `execution_id`)
);
INSERT INTO Association VALUES(1,1,1);
INSERT INTO Association VALUES(2,2,1);
INSERT INTO Association VALUES(3,3,1);
INSERT INTO Association VALUES(10,4,1);
INSERT INTO Association VALUES(11,1,4);
INSERT INTO Association VALUES(12,2,4);
INSERT INTO Association VALUES(13,5,4);
INSERT INTO Association VALUES(17,6,4);
INSERT INTO Association VALUES(18,1,6);
INSERT INTO Association VALUES(19,2,6);
INSERT INTO Association VALUES(20,7,6);
INSERT INTO Association VALUES(21,1,7);
INSERT INTO Association VALUES(22,2,7);
INSERT INTO Association VALUES(23,8,7);
INSERT INTO Association VALUES(24,4,7);
INSERT INTO Association VALUES(25,1,8);
INSERT INTO Association VALUES(27,10,8);
CREATE TABLE `Attribution` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `context_id` INT NOT NULL,
  `artifact_id` INT NOT NULL,
  UNIQUE(`context_id`, `artifact_id`)
);
INSERT INTO Attribution VALUES(1,1,1);
INSERT INTO Attribution VALUES(2,2,1);
INSERT INTO Attribution VALUES(3,3,1);
INSERT INTO Attribution VALUES(4,1,2);
INSERT INTO Attribution VALUES(5,2,2);
INSERT INTO Attribution VALUES(6,3,2);
INSERT INTO Attribution VALUES(7,1,3);
INSERT INTO Attribution VALUES(8,2,3);
INSERT INTO Attribution VALUES(9,3,3);
INSERT INTO Attribution VALUES(12,5,3);
INSERT INTO Attribution VALUES(13,1,4);
INSERT INTO Attribution VALUES(14,2,4);
INSERT INTO Attribution VALUES(15,5,4);
INSERT INTO Attribution VALUES(18,8,3);
INSERT INTO Attribution VALUES(21,10,4);
INSERT INTO Attribution VALUES(22,1,6);
INSERT INTO Attribution VALUES(24,10,6);
CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  processed_at BIGINT,
  outcome TEXT
);
INSERT INTO deliveries VALUES('d1','github','push',1700000000000000,'{"x-github-event":"push"}',X'009f92967b7d',1700000002000000,'1 run');
INSERT INTO deliveries VALUES('d2','github','push',1700000001000000,'{"x-github-event":"push"}',X'009f92967b7d',NULL,NULL);
CREATE TABLE events (
  id TEXT NOT NULL PRIMARY KEY,
  delivery TEXT REFERENCES deliveries (id),
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  event TEXT NOT NULL,
  -- NULL for an event that may be repeated, and for a repetition.
  dedupe_key TEXT UNIQUE,
  outcome TEXT NOT NULL
);
INSERT INTO events VALUES('e1','d1',1700000002000000,'push','{"type":"push","repo":"acme/flights","repo_id":42,"installation_id":7,"branch":"main","before":"0000000000000000000000000000000000000000","after":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","pusher":"ada","default_branch":"main"}','push:42:main:0000000000000000000000000000000000000000:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','no pipeline is triggered by this push');
INSERT INTO events VALUES('e2',NULL,1700000004000000,'pull_request','{"type":"pull_request","repo":"acme/flights","repo_id":42,"head_repo_id":42,"installation_id":7,"action":"opened","number":5,"base_branch":"main","base_sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","head_branch":"better","head_sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","author":"bob"}','pull_request:42:5:main:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','1 run');
INSERT INTO events VALUES('e3',NULL,1700000005000000,'data','{"type":"data_arrived","source":"flights","span":"2013-04"}',NULL,'held');
INSERT INTO events VALUES('e5',NULL,1700000006000000,'schedule','{"type":"schedule_due","repo":"acme/flights","pipeline":"flights","slot":"2023-11-13T08:00:00Z"}','schedule:acme/flights:flights:2023-11-13T08:00:00Z','1 run');
INSERT INTO events VALUES('e6',NULL,1700000007000000,'manual','{"type":"manual","repo":null,"pipeline":"flights","git_ref":null,"actor":"ada","parameters":{}}',NULL,'no pipeline of that name');
CREATE TABLE holds (
  hold_key TEXT NOT NULL PRIMARY KEY,
  held_until BIGINT NOT NULL,
  event TEXT NOT NULL,
  payload TEXT NOT NULL
);
INSERT INTO holds VALUES('acme/flights flights flights',1700000050000000,'e4','{"repo":"acme/flights","pipeline":"flights","source":"flights","spans":["2013-03","2013-04"]}');
CREATE TABLE hold_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hold_key TEXT NOT NULL REFERENCES holds (hold_key) ON DELETE CASCADE,
  event TEXT NOT NULL,
  UNIQUE (hold_key, event)
);
INSERT INTO hold_events VALUES(1,'acme/flights flights flights','e3');
INSERT INTO hold_events VALUES(2,'acme/flights flights flights','e4');
CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY,
  pipeline TEXT NOT NULL,
  repo TEXT,
  branch TEXT,
  commit_sha TEXT,
  pull_request BIGINT,
  trigger_kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  event TEXT REFERENCES events (id),
  created_at BIGINT NOT NULL,
  request TEXT NOT NULL,
  -- The number of its events; an append that expects another one is refused.
  version BIGINT NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'queued',
  summary TEXT,
  blessing TEXT,
  blessed_model TEXT,
  metrics TEXT NOT NULL DEFAULT '{}',
  steps TEXT NOT NULL,
  cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
  started_at BIGINT,
  ended_at BIGINT,
  lease_owner TEXT,
  lease_epoch BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL DEFAULT 0
);
INSERT INTO runs VALUES('r1','flights','acme/flights','main','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'push','push of main by ada','e1',1700000002000000,'{"id":"r1","event":"e1","trigger":"push","cause":"push of main by ada","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000002000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}',23,'failed','transform failed','blessed','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}','{"auc":0.669}','[{"name":"examples","state":"succeeded"},{"name":"newest","state":"cached"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"skipped"},{"name":"transform","state":"failed"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]',1,1700000009000000,1700000009000000,'one',1,1700000099000000);
INSERT INTO runs VALUES('r2','flights','acme/flights','main','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',5,'pull_request','push of main by ada','e2',1700000004000000,'{"id":"r2","event":"e2","trigger":"pull_request","cause":"push of main by ada","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":5,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":false,"created_at":1700000004000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"proposed_gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":600,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}',1,'queued',NULL,NULL,NULL,'{}','[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]',1,NULL,NULL,NULL,0,0);
INSERT INTO runs VALUES('r3','flights','acme/flights','main','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'schedule','schedule','e5',1700000006000000,'{"id":"r3","event":"e5","trigger":"schedule","cause":"schedule","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000006000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}',1,'running',NULL,NULL,NULL,'{}','[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]',0,1700000013000000,NULL,NULL,0,0);
INSERT INTO runs VALUES('r4','flights',NULL,NULL,NULL,NULL,'manual','push of main by ada','e6',1700000007000000,'{"id":"r4","event":"e6","trigger":"manual","cause":"push of main by ada","repo":null,"installation_id":7,"commit":null,"branch":null,"pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000007000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}',0,'queued',NULL,NULL,NULL,'{}','[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]',0,NULL,NULL,NULL,0,0);
CREATE TABLE run_events (
  run TEXT NOT NULL REFERENCES runs (id),
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (run, seq)
);
INSERT INTO run_events VALUES('r1',1,1700000009000000,'{"event":"started","baseline":{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{}}}');
INSERT INTO run_events VALUES('r1',2,1700000009000000,'{"event":"image_built","image":"trainer","key":"sha256:0909090909090909090909090909090909090909090909090909090909090909","image_id":"sha256:1","reused":false}');
INSERT INTO run_events VALUES('r1',3,1700000009000000,'{"event":"step_starting","step":"examples","attempt":1,"key":"k1","image_id":"sha256:2","inputs":{"data":{"name":"flights/2013-03","type_name":"ExternalData","digest":"sha256:0303030303030303030303030303030303030303030303030303030303030303","uri":"/data/artifacts/3","properties":{}}},"deadline":1700000600000000}');
INSERT INTO run_events VALUES('r1',4,1700000009000000,'{"event":"step_ended","step":"examples","attempt":1,"exit":{"how":"success"}}');
INSERT INTO run_events VALUES('r1',5,1700000009000000,'{"event":"step_published","step":"examples","attempt":1,"outputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"metrics":{"rows":28135.0}}');
INSERT INTO run_events VALUES('r1',6,1700000009000000,'{"event":"step_cached","step":"newest","key":"k2","inputs":{},"outputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"metrics":{"rows":9.0}}');
INSERT INTO run_events VALUES('r1',7,1700000009000000,'{"event":"step_starting","step":"transform","attempt":1,"key":"k3","image_id":"sha256:1","inputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"deadline":1700000700000000}');
INSERT INTO run_events VALUES('r1',8,1700000009000000,'{"event":"step_ended","step":"transform","attempt":1,"exit":{"how":"code","code":3,"last_line":"no such column: late"}}');
INSERT INTO run_events VALUES('r1',9,1700000009000000,'{"event":"step_failed","step":"transform","attempt":1,"reason":"exit code 3: no such column: late","retry_at":1700000710000000}');
INSERT INTO run_events VALUES('r1',10,1700000009000000,'{"event":"step_starting","step":"transform","attempt":2,"key":"k3","image_id":"sha256:1","inputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"deadline":1700000800000000}');
INSERT INTO run_events VALUES('r1',11,1700000009000000,'{"event":"step_ended","step":"transform","attempt":2,"exit":{"how":"out_of_memory"}}');
INSERT INTO run_events VALUES('r1',12,1700000009000000,'{"event":"step_failed","step":"transform","attempt":2,"reason":"it used more than 2 GiB","retry_at":null}');
INSERT INTO run_events VALUES('r1',13,1700000009000000,'{"event":"step_ended","step":"train","attempt":1,"exit":{"how":"signal","signal":9}}');
INSERT INTO run_events VALUES('r1',14,1700000009000000,'{"event":"step_ended","step":"train","attempt":2,"exit":{"how":"not_started","reason":"no such image","permanent":true}}');
INSERT INTO run_events VALUES('r1',15,1700000009000000,'{"event":"step_ended","step":"train","attempt":3,"exit":{"how":"lost"}}');
INSERT INTO run_events VALUES('r1',16,1700000009000000,'{"event":"step_skipped","step":"validate","reason":"an earlier step failed"}');
INSERT INTO run_events VALUES('r1',17,1700000009000000,'{"event":"image_failed","image":"trainer","reason":"no such base image","last_lines":["FROM nothing","not found"]}');
INSERT INTO run_events VALUES('r1',18,1700000009000000,'{"event":"gate_judged","verdict":{"blessing":"not_blessed","rubber_stamp":false,"findings":[{"slice_key":{"origin":"EWR"},"metric":"auc","passed":false,"sentence":"auc of origin=EWR is 0.52, below 0.55","rule":{"value_threshold":{"lower_bound":0.55}}},{"slice_key":{},"metric":"auc","passed":null,"sentence":"too few examples"}],"comparisons":[{"slice_key":{},"metric":"auc","num_examples":28135,"candidate":0.669,"baseline":0.677,"difference":-0.008,"interval":[-0.02,0.004],"threshold":"≥ 0.55","passed":true}],"interval_level":0.95,"slicing_details":[{"slicing_spec":{"feature_keys":["origin"]},"num_matching_slices":3}]}}');
INSERT INTO run_events VALUES('r1',19,1700000009000000,'{"event":"gate_replayed","replay":{"own":"blessed","reason":null,"verdicts":1,"gone":1,"changed":[{"run":"r0","pipeline":"flights","created_at":1,"then":"blessed","now":"not_blessed","reason":"auc is too low"}]}}');
INSERT INTO run_events VALUES('r1',20,1700000009000000,'{"event":"model_pushed","target":"flights","version":"000001","destination":"/models/flights/000001","model":{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{}}}');
INSERT INTO run_events VALUES('r1',21,1700000009000000,'{"event":"push_failed","reason":"the server does not answer"}');
INSERT INTO run_events VALUES('r1',22,1700000009000000,'{"event":"cancel_requested","by":"ada"}');
INSERT INTO run_events VALUES('r1',23,1700000009000000,'{"event":"finished","state":"failed","summary":"transform failed","metrics":{"auc":0.669}}');
INSERT INTO run_events VALUES('r2',1,1700000013000000,'{"event":"cancel_requested","by":"bob"}');
INSERT INTO run_events VALUES('r3',1,1700000013000000,'{"event":"started","baseline":null}');
CREATE TABLE preimages (
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  cache_key TEXT NOT NULL,
  preimage TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (run, step)
);
INSERT INTO preimages VALUES('r1','train','k4','{"image":"sha256:1","inputs":{}}',1700000009000000);
CREATE TABLE promotions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL,
  -- The entry of the target before this one, 0 for the first: the ledger cannot fork.
  previous BIGINT NOT NULL,
  pipeline TEXT NOT NULL,
  action TEXT NOT NULL,
  version TEXT NOT NULL,
  model TEXT NOT NULL,
  run TEXT,
  actor TEXT NOT NULL,
  evidence TEXT NOT NULL,
  at BIGINT NOT NULL, forced BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE (target, previous)
);
INSERT INTO promotions VALUES(1,'flights',0,'flights','push','000001','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}','r1','trainyard','{"verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":[{"source":"flights","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","spans":["2013-03"]}]}',1700000009000000,0);
INSERT INTO promotions VALUES(2,'flights',1,'flights','push','000002','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}','r2','ada','{"promoted":"r2","instead_of":"000001","verdict":null,"commit":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","data":[],"reason":"we know better","forced":{"by":"ada","reason":"we know better"}}',1700000010000000,1);
INSERT INTO promotions VALUES(3,'flights',2,'flights','rollback','000001','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}',NULL,'ada','{"rolled_back":"000002","verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":null,"reason":"worse"}',1700000011000000,0);
INSERT INTO promotions VALUES(4,'flights',3,'flights','removed','000001','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}',NULL,'ada','{"rolled_back":"000002","verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":null,"reason":"worse"}',1700000012000000,0);
INSERT INTO promotions VALUES(5,'other',0,'flights','push','000002','{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}','r2','ada','{"promoted":"r2","instead_of":"000001","verdict":null,"commit":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","data":[],"reason":"we know better","forced":{"by":"ada","reason":"we know better"}}',1700000010000000,1);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  item_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  repo TEXT NOT NULL,
  installation_id BIGINT,
  payload TEXT NOT NULL,
  generation BIGINT NOT NULL DEFAULT 1,
  attempts BIGINT NOT NULL DEFAULT 0,
  next_attempt_at BIGINT NOT NULL,
  last_error TEXT
);
INSERT INTO outbox VALUES(1,'status acme/flights a trainyard/flights','status','acme/flights',7,'{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":{"state":"pending","context":"trainyard/flights","description":"queued"},"target_url":null}',1,1,1700000030000000,'rate limited');
INSERT INTO outbox VALUES(2,'comment acme/flights 5 <!-- trainyard flights -->','comment','acme/flights',NULL,'{"number":5,"marker":"<!-- trainyard flights -->","body":"**approved**"}',1,0,1700000003000000,NULL);
INSERT INTO outbox VALUES(3,'status acme/flights c trainyard/flights','status','acme/flights',7,'{"sha":"cccccccccccccccccccccccccccccccccccccccc","status":{"state":"failure","context":"trainyard/flights","description":"not approved"},"target_url":null}',1,0,1700000009000000,NULL);
CREATE TABLE pipelines (
  repo TEXT NOT NULL,
  name TEXT NOT NULL,
  installation_id BIGINT,
  branch TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  folder TEXT NOT NULL,
  plan TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (repo, name)
);
INSERT INTO pipelines VALUES('acme/flights','flights',7,'main','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','pipelines/flights','{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}',1700000001000000);
CREATE TABLE schedules (
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  folder TEXT NOT NULL,
  commit_sha TEXT,
  branch TEXT,
  cron TEXT NOT NULL,
  timezone TEXT NOT NULL,
  catchup TEXT NOT NULL,
  since BIGINT NOT NULL,
  last_slot BIGINT,
  present BOOLEAN NOT NULL,
  PRIMARY KEY (repo, pipeline)
);
INSERT INTO schedules VALUES('acme/flights','flights','pipelines/flights','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','main','0 3 * * 1','America/New_York','latest',1700000001000000,1700000006000000,1);
INSERT INTO schedules VALUES('','flights','pipelines/flights',NULL,NULL,'0 3 * * 1','America/New_York','latest',1700000001000000,NULL,1);
CREATE TABLE schedule_slots (
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  slot BIGINT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (repo, pipeline, slot)
);
INSERT INTO schedule_slots VALUES('acme/flights','flights',1700000006000000,'e5');
CREATE TABLE aliases (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  -- NULL where the name was taken away.
  version TEXT,
  actor TEXT NOT NULL,
  reason TEXT,
  at BIGINT NOT NULL
);
INSERT INTO aliases VALUES(1,'flights','challenger','000001','ada',NULL,1700000012000000);
INSERT INTO aliases VALUES(2,'flights','shadow','000002','ada',NULL,1700000012000000);
INSERT INTO aliases VALUES(3,'flights','shadow',NULL,'ada',NULL,1700000012000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('Type',34);
INSERT INTO sqlite_sequence VALUES('outbox',3);
INSERT INTO sqlite_sequence VALUES('hold_events',2);
INSERT INTO sqlite_sequence VALUES('Context',10);
INSERT INTO sqlite_sequence VALUES('Execution',8);
INSERT INTO sqlite_sequence VALUES('Association',27);
INSERT INTO sqlite_sequence VALUES('Artifact',6);
INSERT INTO sqlite_sequence VALUES('Event',8);
INSERT INTO sqlite_sequence VALUES('Attribution',24);
INSERT INTO sqlite_sequence VALUES('promotions',5);
INSERT INTO sqlite_sequence VALUES('aliases',3);
CREATE INDEX `idx_artifact_uri` ON `Artifact`(`uri`);
CREATE INDEX `idx_artifact_create_time_since_epoch` ON `Artifact`(`create_time_since_epoch`);
CREATE INDEX `idx_artifact_last_update_time_since_epoch` ON `Artifact`(`last_update_time_since_epoch`);
CREATE INDEX `idx_event_execution_id` ON `Event`(`execution_id`);
CREATE INDEX `idx_parentcontext_parent_context_id` ON `ParentContext`(`parent_context_id`);
CREATE INDEX `idx_type_name` ON `Type`(`name`);
CREATE INDEX `idx_execution_create_time_since_epoch` ON `Execution`(`create_time_since_epoch`);
CREATE INDEX `idx_execution_last_update_time_since_epoch` ON `Execution`(`last_update_time_since_epoch`);
CREATE INDEX `idx_context_create_time_since_epoch` ON `Context`(`create_time_since_epoch`);
CREATE INDEX `idx_context_last_update_time_since_epoch` ON `Context`(`last_update_time_since_epoch`);
CREATE INDEX `idx_eventpath_event_id` ON `EventPath`(`event_id`);
CREATE INDEX `idx_artifact_property_int` ON `ArtifactProperty`(`name`, `is_custom_property`, `int_value`) WHERE `int_value` IS NOT NULL;
CREATE INDEX `idx_artifact_property_double` ON `ArtifactProperty`(`name`, `is_custom_property`, `double_value`) WHERE `double_value` IS NOT NULL;
CREATE INDEX `idx_artifact_property_string` ON `ArtifactProperty`(`name`, `is_custom_property`, `string_value`) WHERE `string_value` IS NOT NULL;
CREATE INDEX `idx_execution_property_int` ON `ExecutionProperty`(`name`, `is_custom_property`, `int_value`) WHERE `int_value` IS NOT NULL;
CREATE INDEX `idx_execution_property_double` ON `ExecutionProperty`(`name`, `is_custom_property`, `double_value`) WHERE `double_value` IS NOT NULL;
CREATE INDEX `idx_execution_property_string` ON `ExecutionProperty`(`name`, `is_custom_property`, `string_value`) WHERE `string_value` IS NOT NULL;
CREATE INDEX `idx_context_property_int` ON `ContextProperty`(`name`, `is_custom_property`, `int_value`) WHERE `int_value` IS NOT NULL;
CREATE INDEX `idx_context_property_double` ON `ContextProperty`(`name`, `is_custom_property`, `double_value`) WHERE `double_value` IS NOT NULL;
CREATE INDEX `idx_context_property_string` ON `ContextProperty`(`name`, `is_custom_property`, `string_value`) WHERE `string_value` IS NOT NULL;
CREATE INDEX `idx_type_external_id` ON `Type`(`external_id`);
CREATE INDEX `idx_artifact_external_id` ON `Artifact`(`external_id`);
CREATE INDEX `idx_execution_external_id` ON `Execution`(`external_id`);
CREATE INDEX `idx_context_external_id` ON `Context`(`external_id`);
CREATE INDEX deliveries_waiting ON deliveries (received_at, id) WHERE processed_at IS NULL;
CREATE INDEX deliveries_newest ON deliveries (received_at, id);
CREATE INDEX events_delivery ON events (delivery);
CREATE INDEX holds_due ON holds (held_until);
CREATE INDEX runs_newest ON runs (created_at, id);
CREATE INDEX runs_pipeline ON runs (pipeline, created_at, id);
CREATE INDEX runs_active ON runs (created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX runs_event ON runs (event);
CREATE INDEX promotions_target ON promotions (target, id);
CREATE INDEX outbox_due ON outbox (next_attempt_at);
CREATE INDEX trainyard_artifact_name ON Artifact (name);
CREATE INDEX trainyard_execution_name ON Execution (name);
CREATE INDEX trainyard_artifact_digest ON ArtifactProperty (string_value)
  WHERE name = 'digest' AND is_custom_property = TRUE;
CREATE INDEX aliases_newest ON aliases (model, alias, id);
COMMIT;
