-- A whole PostgreSQL database of schema version 3, written through the store of that time.

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

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);

CREATE TABLE public.aliases (
    id bigint NOT NULL,
    model text NOT NULL,
    alias text NOT NULL,
    version text,
    actor text NOT NULL,
    reason text,
    at bigint NOT NULL
);

ALTER TABLE public.aliases ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.aliases_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.artifact (
    id integer NOT NULL,
    type_id integer NOT NULL,
    uri text,
    state integer,
    name character varying(255),
    external_id character varying(255),
    create_time_since_epoch bigint DEFAULT 0 NOT NULL,
    last_update_time_since_epoch bigint DEFAULT 0 NOT NULL
);

CREATE SEQUENCE public.artifact_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.artifact_id_seq OWNED BY public.artifact.id;

CREATE TABLE public.artifactproperty (
    artifact_id integer NOT NULL,
    name character varying(255) NOT NULL,
    is_custom_property boolean NOT NULL,
    int_value bigint,
    double_value double precision,
    string_value text,
    byte_value bytea,
    proto_value bytea,
    bool_value boolean
);

CREATE TABLE public.association (
    id integer NOT NULL,
    context_id integer NOT NULL,
    execution_id integer NOT NULL
);

CREATE SEQUENCE public.association_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.association_id_seq OWNED BY public.association.id;

CREATE TABLE public.attribution (
    id integer NOT NULL,
    context_id integer NOT NULL,
    artifact_id integer NOT NULL
);

CREATE SEQUENCE public.attribution_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.attribution_id_seq OWNED BY public.attribution.id;

CREATE TABLE public.context (
    id integer NOT NULL,
    type_id integer NOT NULL,
    name character varying(255) NOT NULL,
    external_id character varying(255),
    create_time_since_epoch bigint DEFAULT 0 NOT NULL,
    last_update_time_since_epoch bigint DEFAULT 0 NOT NULL
);

CREATE SEQUENCE public.context_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.context_id_seq OWNED BY public.context.id;

CREATE TABLE public.contextproperty (
    context_id integer NOT NULL,
    name character varying(255) NOT NULL,
    is_custom_property boolean NOT NULL,
    int_value bigint,
    double_value double precision,
    string_value text,
    byte_value bytea,
    proto_value bytea,
    bool_value boolean
);

CREATE TABLE public.deliveries (
    id text NOT NULL,
    origin text NOT NULL,
    kind text NOT NULL,
    received_at bigint NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL,
    processed_at bigint,
    outcome text
);

CREATE TABLE public.event (
    id integer NOT NULL,
    artifact_id integer NOT NULL,
    execution_id integer NOT NULL,
    type integer NOT NULL,
    milliseconds_since_epoch bigint
);

CREATE SEQUENCE public.event_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.event_id_seq OWNED BY public.event.id;

CREATE TABLE public.eventpath (
    event_id integer NOT NULL,
    is_index_step boolean NOT NULL,
    step_index integer,
    step_key text
);

CREATE TABLE public.events (
    id text NOT NULL,
    delivery text,
    at bigint NOT NULL,
    kind text NOT NULL,
    event text NOT NULL,
    dedupe_key text,
    outcome text NOT NULL
);

CREATE TABLE public.execution (
    id integer NOT NULL,
    type_id integer NOT NULL,
    last_known_state integer,
    name character varying(255),
    external_id character varying(255),
    create_time_since_epoch bigint DEFAULT 0 NOT NULL,
    last_update_time_since_epoch bigint DEFAULT 0 NOT NULL
);

CREATE SEQUENCE public.execution_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.execution_id_seq OWNED BY public.execution.id;

CREATE TABLE public.executionproperty (
    execution_id integer NOT NULL,
    name character varying(255) NOT NULL,
    is_custom_property boolean NOT NULL,
    int_value bigint,
    double_value double precision,
    string_value text,
    byte_value bytea,
    proto_value bytea,
    bool_value boolean
);

CREATE TABLE public.hold_events (
    id bigint NOT NULL,
    hold_key text NOT NULL,
    event text NOT NULL
);

ALTER TABLE public.hold_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hold_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.holds (
    hold_key text NOT NULL,
    held_until bigint NOT NULL,
    event text NOT NULL,
    payload text NOT NULL
);

CREATE TABLE public.mlmdenv (
    schema_version integer NOT NULL
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    item_key text NOT NULL,
    kind text NOT NULL,
    repo text NOT NULL,
    installation_id bigint,
    payload text NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    next_attempt_at bigint NOT NULL,
    last_error text
);

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.parentcontext (
    context_id integer NOT NULL,
    parent_context_id integer NOT NULL
);

CREATE TABLE public.parenttype (
    type_id integer NOT NULL,
    parent_type_id integer NOT NULL
);

CREATE TABLE public.pipelines (
    repo text NOT NULL,
    name text NOT NULL,
    installation_id bigint,
    branch text NOT NULL,
    commit_sha text NOT NULL,
    folder text NOT NULL,
    plan text NOT NULL,
    at bigint NOT NULL
);

CREATE TABLE public.preimages (
    run text NOT NULL,
    step text NOT NULL,
    cache_key text NOT NULL,
    preimage text NOT NULL,
    at bigint NOT NULL
);

CREATE TABLE public.promotions (
    id bigint NOT NULL,
    target text NOT NULL,
    previous bigint NOT NULL,
    pipeline text NOT NULL,
    action text NOT NULL,
    version text NOT NULL,
    model text NOT NULL,
    run text,
    actor text NOT NULL,
    evidence text NOT NULL,
    at bigint NOT NULL,
    forced boolean DEFAULT false NOT NULL
);

ALTER TABLE public.promotions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.promotions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.run_events (
    run text NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL
);

CREATE TABLE public.runs (
    id text NOT NULL,
    pipeline text NOT NULL,
    repo text,
    branch text,
    commit_sha text,
    pull_request bigint,
    trigger_kind text NOT NULL,
    cause text NOT NULL,
    event text,
    created_at bigint NOT NULL,
    request text NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    summary text,
    blessing text,
    blessed_model text,
    metrics text DEFAULT '{}'::text NOT NULL,
    steps text NOT NULL,
    cancel_requested boolean DEFAULT false NOT NULL,
    started_at bigint,
    ended_at bigint,
    lease_owner text,
    lease_epoch bigint DEFAULT 0 NOT NULL,
    lease_until bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.schedule_slots (
    repo text NOT NULL,
    pipeline text NOT NULL,
    slot bigint NOT NULL,
    event text NOT NULL
);

CREATE TABLE public.schedules (
    repo text NOT NULL,
    pipeline text NOT NULL,
    folder text NOT NULL,
    commit_sha text,
    branch text,
    cron text NOT NULL,
    timezone text NOT NULL,
    catchup text NOT NULL,
    since bigint NOT NULL,
    last_slot bigint,
    present boolean NOT NULL
);

CREATE TABLE public.type (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    version character varying(255),
    type_kind smallint NOT NULL,
    description text,
    input_type text,
    output_type text,
    external_id character varying(255)
);

CREATE SEQUENCE public.type_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.type_id_seq OWNED BY public.type.id;

CREATE TABLE public.typeproperty (
    type_id integer NOT NULL,
    name character varying(255) NOT NULL,
    data_type integer
);

ALTER TABLE ONLY public.artifact ALTER COLUMN id SET DEFAULT nextval('public.artifact_id_seq'::regclass);

ALTER TABLE ONLY public.association ALTER COLUMN id SET DEFAULT nextval('public.association_id_seq'::regclass);

ALTER TABLE ONLY public.attribution ALTER COLUMN id SET DEFAULT nextval('public.attribution_id_seq'::regclass);

ALTER TABLE ONLY public.context ALTER COLUMN id SET DEFAULT nextval('public.context_id_seq'::regclass);

ALTER TABLE ONLY public.event ALTER COLUMN id SET DEFAULT nextval('public.event_id_seq'::regclass);

ALTER TABLE ONLY public.execution ALTER COLUMN id SET DEFAULT nextval('public.execution_id_seq'::regclass);

ALTER TABLE ONLY public.type ALTER COLUMN id SET DEFAULT nextval('public.type_id_seq'::regclass);

INSERT INTO public._sqlx_migrations VALUES (1, '0001_ml_metadata', '2026-11-26 14:56:12.615745+00', true, '\xc98a72cf3b3a826fd8bb499520f125677a616198b89f0747e0bae875c12813b41c4300481e8b2843f97e9b7d698d4566', 23977523);
INSERT INTO public._sqlx_migrations VALUES (2, '0002_trainyard', '2026-11-26 14:56:12.640351+00', true, '\x216322d078d5110c36b78d950d95318ecd8dea0740594bb0c6c6da2304c5c11ef6707dc802e55c64af308b26d563e1f7', 21143337);
INSERT INTO public._sqlx_migrations VALUES (3, '0003_registry', '2026-11-26 14:56:12.661792+00', true, '\x8e9bb2a0fdf9526d4ef0fda894bb9e51e6195590c44cd5d9f5e54af0b048b308df15b77fcd79539d368cfe2384c26c14', 1606348);

INSERT INTO public.aliases OVERRIDING SYSTEM VALUE VALUES (1, 'flights', 'challenger', '000001', 'ada', NULL, 1700000012000000);
INSERT INTO public.aliases OVERRIDING SYSTEM VALUE VALUES (2, 'flights', 'shadow', '000002', 'ada', NULL, 1700000012000000);
INSERT INTO public.aliases OVERRIDING SYSTEM VALUE VALUES (3, 'flights', 'shadow', NULL, 'ada', NULL, 1700000012000000);

INSERT INTO public.artifact VALUES (1, 14, '/data/artifacts/3', 2, 'flights/2013-03', NULL, 1700000008000, 1700000008000);
INSERT INTO public.artifact VALUES (2, 15, '/data/artifacts/4', 2, 'old', NULL, 1700000008000, 1700000008000);
INSERT INTO public.artifact VALUES (3, 15, '/data/artifacts/2', 2, 'r1/examples/examples', NULL, 1700000009000, 1700000009000);
INSERT INTO public.artifact VALUES (4, 20, '/data/artifacts/1', 2, 'r1/train/model', NULL, 1700000009000, 1700000009000);
INSERT INTO public.artifact VALUES (6, 23, '/data/artifacts/5', 2, 'promote/1/blessing', NULL, 1700000010000, 1700000010000);

INSERT INTO public.artifactproperty VALUES (1, 'digest', true, NULL, NULL, 'sha256:0303030303030303030303030303030303030303030303030303030303030303', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (1, 'state', true, NULL, NULL, 'published', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (2, 'digest', true, NULL, NULL, 'sha256:0404040404040404040404040404040404040404040404040404040404040404', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (2, 'state', true, NULL, NULL, 'published', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (3, 'span', false, 17167, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (3, 'split_names', false, NULL, NULL, '["train","eval"]', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (3, 'rows', true, 28135, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (3, 'digest', true, NULL, NULL, 'sha256:0202020202020202020202020202020202020202020202020202020202020202', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (3, 'state', true, NULL, NULL, 'published', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (4, 'framework', true, NULL, NULL, 'lightgbm', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (4, 'auc', true, NULL, 0.669, NULL, NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (4, 'calibrated', true, NULL, NULL, NULL, NULL, NULL, true);
INSERT INTO public.artifactproperty VALUES (4, 'digest', true, NULL, NULL, 'sha256:0101010101010101010101010101010101010101010101010101010101010101', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (4, 'state', true, NULL, NULL, 'published', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (6, 'digest', true, NULL, NULL, 'sha256:0505050505050505050505050505050505050505050505050505050505050505', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (6, 'state', true, NULL, NULL, 'published', NULL, NULL, NULL);
INSERT INTO public.artifactproperty VALUES (6, 'current_model_id', true, 4, NULL, NULL, NULL, NULL, NULL);

INSERT INTO public.association VALUES (1, 1, 1);
INSERT INTO public.association VALUES (2, 2, 1);
INSERT INTO public.association VALUES (3, 3, 1);
INSERT INTO public.association VALUES (10, 4, 1);
INSERT INTO public.association VALUES (11, 1, 4);
INSERT INTO public.association VALUES (12, 2, 4);
INSERT INTO public.association VALUES (13, 5, 4);
INSERT INTO public.association VALUES (17, 6, 4);
INSERT INTO public.association VALUES (18, 1, 6);
INSERT INTO public.association VALUES (19, 2, 6);
INSERT INTO public.association VALUES (20, 7, 6);
INSERT INTO public.association VALUES (21, 1, 7);
INSERT INTO public.association VALUES (22, 2, 7);
INSERT INTO public.association VALUES (23, 8, 7);
INSERT INTO public.association VALUES (24, 4, 7);
INSERT INTO public.association VALUES (25, 1, 8);
INSERT INTO public.association VALUES (27, 10, 8);

INSERT INTO public.attribution VALUES (1, 1, 1);
INSERT INTO public.attribution VALUES (2, 2, 1);
INSERT INTO public.attribution VALUES (3, 3, 1);
INSERT INTO public.attribution VALUES (4, 1, 2);
INSERT INTO public.attribution VALUES (5, 2, 2);
INSERT INTO public.attribution VALUES (6, 3, 2);
INSERT INTO public.attribution VALUES (7, 1, 3);
INSERT INTO public.attribution VALUES (8, 2, 3);
INSERT INTO public.attribution VALUES (9, 3, 3);
INSERT INTO public.attribution VALUES (12, 5, 3);
INSERT INTO public.attribution VALUES (13, 1, 4);
INSERT INTO public.attribution VALUES (14, 2, 4);
INSERT INTO public.attribution VALUES (15, 5, 4);
INSERT INTO public.attribution VALUES (18, 8, 3);
INSERT INTO public.attribution VALUES (21, 10, 4);
INSERT INTO public.attribution VALUES (22, 1, 6);
INSERT INTO public.attribution VALUES (24, 10, 6);

INSERT INTO public.context VALUES (1, 10, 'flights', NULL, 1700000008000, 1700000008000);
INSERT INTO public.context VALUES (2, 11, 'r1', NULL, 1700000008000, 1700000008000);
INSERT INTO public.context VALUES (3, 12, 'flights.examples', NULL, 1700000008000, 1700000008000);
INSERT INTO public.context VALUES (4, 13, 'k1', NULL, 1700000009000, 1700000009000);
INSERT INTO public.context VALUES (5, 12, 'flights.train', NULL, 1700000009000, 1700000009000);
INSERT INTO public.context VALUES (6, 13, 'k4', NULL, 1700000009000, 1700000009000);
INSERT INTO public.context VALUES (7, 12, 'flights.transform', NULL, 1700000009000, 1700000009000);
INSERT INTO public.context VALUES (8, 12, 'flights.newest', NULL, 1700000009000, 1700000009000);
INSERT INTO public.context VALUES (10, 12, 'flights.promote', NULL, 1700000010000, 1700000010000);

INSERT INTO public.contextproperty VALUES (2, 'trigger', true, NULL, NULL, 'push', NULL, NULL, NULL);
INSERT INTO public.contextproperty VALUES (2, 'branch', true, NULL, NULL, 'main', NULL, NULL, NULL);
INSERT INTO public.contextproperty VALUES (2, 'commit', true, NULL, NULL, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', NULL, NULL, NULL);

INSERT INTO public.deliveries VALUES ('d2', 'github', 'push', 1700000001000000, '{"x-github-event":"push"}', '\x009f92967b7d', NULL, NULL);
INSERT INTO public.deliveries VALUES ('d1', 'github', 'push', 1700000000000000, '{"x-github-event":"push"}', '\x009f92967b7d', 1700000002000000, '1 run');

INSERT INTO public.event VALUES (1, 1, 1, 3, 1700000008000);
INSERT INTO public.event VALUES (2, 2, 1, 5, 1700000008000);
INSERT INTO public.event VALUES (3, 3, 1, 4, 1700000009000);
INSERT INTO public.event VALUES (4, 3, 4, 3, 1700000009000);
INSERT INTO public.event VALUES (5, 4, 4, 4, 1700000009000);
INSERT INTO public.event VALUES (6, 3, 7, 4, 1700000009000);
INSERT INTO public.event VALUES (7, 4, 8, 3, 1700000010000);
INSERT INTO public.event VALUES (8, 6, 8, 4, 1700000010000);

INSERT INTO public.eventpath VALUES (1, false, NULL, 'data');
INSERT INTO public.eventpath VALUES (1, true, 0, NULL);
INSERT INTO public.eventpath VALUES (2, false, NULL, 'memo');
INSERT INTO public.eventpath VALUES (2, true, 0, NULL);
INSERT INTO public.eventpath VALUES (3, false, NULL, 'examples');
INSERT INTO public.eventpath VALUES (3, true, 0, NULL);
INSERT INTO public.eventpath VALUES (4, false, NULL, 'examples');
INSERT INTO public.eventpath VALUES (4, true, 0, NULL);
INSERT INTO public.eventpath VALUES (5, false, NULL, 'model');
INSERT INTO public.eventpath VALUES (5, true, 0, NULL);
INSERT INTO public.eventpath VALUES (6, false, NULL, 'examples');
INSERT INTO public.eventpath VALUES (6, true, 0, NULL);
INSERT INTO public.eventpath VALUES (7, false, NULL, 'model');
INSERT INTO public.eventpath VALUES (7, true, 0, NULL);
INSERT INTO public.eventpath VALUES (8, false, NULL, 'blessing');
INSERT INTO public.eventpath VALUES (8, true, 0, NULL);

INSERT INTO public.events VALUES ('e1', 'd1', 1700000002000000, 'push', '{"type":"push","repo":"acme/flights","repo_id":42,"installation_id":7,"branch":"main","before":"0000000000000000000000000000000000000000","after":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","pusher":"ada","default_branch":"main"}', 'push:42:main:0000000000000000000000000000000000000000:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'no pipeline is triggered by this push');
INSERT INTO public.events VALUES ('e2', NULL, 1700000004000000, 'pull_request', '{"type":"pull_request","repo":"acme/flights","repo_id":42,"head_repo_id":42,"installation_id":7,"action":"opened","number":5,"base_branch":"main","base_sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","head_branch":"better","head_sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","author":"bob"}', 'pull_request:42:5:main:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '1 run');
INSERT INTO public.events VALUES ('e3', NULL, 1700000005000000, 'data', '{"type":"data_arrived","source":"flights","span":"2013-04"}', NULL, 'held');
INSERT INTO public.events VALUES ('e5', NULL, 1700000006000000, 'schedule', '{"type":"schedule_due","repo":"acme/flights","pipeline":"flights","slot":"2023-11-13T08:00:00Z"}', 'schedule:acme/flights:flights:2023-11-13T08:00:00Z', '1 run');
INSERT INTO public.events VALUES ('e6', NULL, 1700000007000000, 'manual', '{"type":"manual","repo":null,"pipeline":"flights","git_ref":null,"actor":"ada","parameters":{}}', NULL, 'no pipeline of that name');

INSERT INTO public.execution VALUES (1, 26, 3, 'r1/examples', NULL, 1700000008000, 1700000009000);
INSERT INTO public.execution VALUES (4, 31, 3, 'r1/train', NULL, 1700000009000, 1700000009000);
INSERT INTO public.execution VALUES (6, 30, 4, 'r1/transform', NULL, 1700000009000, 1700000009000);
INSERT INTO public.execution VALUES (7, 26, 5, 'r1/newest', NULL, 1700000009000, 1700000009000);
INSERT INTO public.execution VALUES (8, 34, 3, 'promote/1', NULL, 1700000010000, 1700000010000);

INSERT INTO public.executionproperty VALUES (1, 'cache_key', true, NULL, NULL, 'k', NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (1, 'image_id', true, NULL, NULL, 'sha256:1', NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (1, 'auc', true, NULL, 0.65, NULL, NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (1, 'log_loss', true, NULL, 3, NULL, NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (4, 'cache_key', true, NULL, NULL, 'k', NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (4, 'image_id', true, NULL, NULL, 'sha256:1', NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (4, 'auc', true, NULL, 0.65, NULL, NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (4, 'log_loss', true, NULL, 3, NULL, NULL, NULL, NULL);
INSERT INTO public.executionproperty VALUES (6, 'reason', true, NULL, NULL, 'out of memory', NULL, NULL, NULL);

INSERT INTO public.hold_events OVERRIDING SYSTEM VALUE VALUES (1, 'acme/flights flights flights', 'e3');
INSERT INTO public.hold_events OVERRIDING SYSTEM VALUE VALUES (2, 'acme/flights flights flights', 'e4');

INSERT INTO public.holds VALUES ('acme/flights flights flights', 1700000050000000, 'e4', '{"repo":"acme/flights","pipeline":"flights","source":"flights","spans":["2013-03","2013-04"]}');

INSERT INTO public.mlmdenv VALUES (10);

INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (2, 'comment acme/flights 5 <!-- trainyard flights -->', 'comment', 'acme/flights', NULL, '{"number":5,"marker":"<!-- trainyard flights -->","body":"**approved**"}', 1, 0, 1700000003000000, NULL);
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (1, 'status acme/flights a trainyard/flights', 'status', 'acme/flights', 7, '{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":{"state":"pending","context":"trainyard/flights","description":"queued"},"target_url":null}', 1, 1, 1700000030000000, 'rate limited');
INSERT INTO public.outbox OVERRIDING SYSTEM VALUE VALUES (3, 'status acme/flights c trainyard/flights', 'status', 'acme/flights', 7, '{"sha":"cccccccccccccccccccccccccccccccccccccccc","status":{"state":"failure","context":"trainyard/flights","description":"not approved"},"target_url":null}', 1, 0, 1700000009000000, NULL);

INSERT INTO public.parentcontext VALUES (2, 1);

INSERT INTO public.parenttype VALUES (14, 1);
INSERT INTO public.parenttype VALUES (15, 1);
INSERT INTO public.parenttype VALUES (16, 4);
INSERT INTO public.parenttype VALUES (20, 2);
INSERT INTO public.parenttype VALUES (22, 3);
INSERT INTO public.parenttype VALUES (25, 2);
INSERT INTO public.parenttype VALUES (26, 7);
INSERT INTO public.parenttype VALUES (27, 7);
INSERT INTO public.parenttype VALUES (28, 7);
INSERT INTO public.parenttype VALUES (29, 7);
INSERT INTO public.parenttype VALUES (30, 6);
INSERT INTO public.parenttype VALUES (31, 5);
INSERT INTO public.parenttype VALUES (32, 8);
INSERT INTO public.parenttype VALUES (33, 9);

INSERT INTO public.pipelines VALUES ('acme/flights', 'flights', 7, 'main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'pipelines/flights', '{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}', 1700000001000000);

INSERT INTO public.preimages VALUES ('r1', 'train', 'k4', '{"image":"sha256:1","inputs":{}}', 1700000009000000);

INSERT INTO public.promotions OVERRIDING SYSTEM VALUE VALUES (1, 'flights', 0, 'flights', 'push', '000001', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', 'r1', 'trainyard', '{"verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":[{"source":"flights","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","spans":["2013-03"]}]}', 1700000009000000, false);
INSERT INTO public.promotions OVERRIDING SYSTEM VALUE VALUES (2, 'flights', 1, 'flights', 'push', '000002', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', 'r2', 'ada', '{"promoted":"r2","instead_of":"000001","verdict":null,"commit":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","data":[],"reason":"we know better","forced":{"by":"ada","reason":"we know better"}}', 1700000010000000, true);
INSERT INTO public.promotions OVERRIDING SYSTEM VALUE VALUES (3, 'flights', 2, 'flights', 'rollback', '000001', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', NULL, 'ada', '{"rolled_back":"000002","verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":null,"reason":"worse"}', 1700000011000000, false);
INSERT INTO public.promotions OVERRIDING SYSTEM VALUE VALUES (4, 'flights', 3, 'flights', 'removed', '000001', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', NULL, 'ada', '{"rolled_back":"000002","verdict":null,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":null,"reason":"worse"}', 1700000012000000, false);
INSERT INTO public.promotions OVERRIDING SYSTEM VALUE VALUES (5, 'other', 0, 'flights', 'push', '000002', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', 'r2', 'ada', '{"promoted":"r2","instead_of":"000001","verdict":null,"commit":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","data":[],"reason":"we know better","forced":{"by":"ada","reason":"we know better"}}', 1700000010000000, true);

INSERT INTO public.run_events VALUES ('r1', 1, 1700000009000000, '{"event":"started","baseline":{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{}}}');
INSERT INTO public.run_events VALUES ('r1', 2, 1700000009000000, '{"event":"image_built","image":"trainer","key":"sha256:0909090909090909090909090909090909090909090909090909090909090909","image_id":"sha256:1","reused":false}');
INSERT INTO public.run_events VALUES ('r1', 3, 1700000009000000, '{"event":"step_starting","step":"examples","attempt":1,"key":"k1","image_id":"sha256:2","inputs":{"data":{"name":"flights/2013-03","type_name":"ExternalData","digest":"sha256:0303030303030303030303030303030303030303030303030303030303030303","uri":"/data/artifacts/3","properties":{}}},"deadline":1700000600000000}');
INSERT INTO public.run_events VALUES ('r1', 4, 1700000009000000, '{"event":"step_ended","step":"examples","attempt":1,"exit":{"how":"success"}}');
INSERT INTO public.run_events VALUES ('r1', 5, 1700000009000000, '{"event":"step_published","step":"examples","attempt":1,"outputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"metrics":{"rows":28135.0}}');
INSERT INTO public.run_events VALUES ('r1', 6, 1700000009000000, '{"event":"step_cached","step":"newest","key":"k2","inputs":{},"outputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"metrics":{"rows":9.0}}');
INSERT INTO public.run_events VALUES ('r1', 7, 1700000009000000, '{"event":"step_starting","step":"transform","attempt":1,"key":"k3","image_id":"sha256:1","inputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"deadline":1700000700000000}');
INSERT INTO public.run_events VALUES ('r1', 8, 1700000009000000, '{"event":"step_ended","step":"transform","attempt":1,"exit":{"how":"code","code":3,"last_line":"no such column: late"}}');
INSERT INTO public.run_events VALUES ('r1', 9, 1700000009000000, '{"event":"step_failed","step":"transform","attempt":1,"reason":"exit code 3: no such column: late","retry_at":1700000710000000}');
INSERT INTO public.run_events VALUES ('r1', 10, 1700000009000000, '{"event":"step_starting","step":"transform","attempt":2,"key":"k3","image_id":"sha256:1","inputs":{"examples":{"name":"r1/examples/examples","type_name":"Examples","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","uri":"/data/artifacts/2","properties":{}}},"deadline":1700000800000000}');
INSERT INTO public.run_events VALUES ('r1', 11, 1700000009000000, '{"event":"step_ended","step":"transform","attempt":2,"exit":{"how":"out_of_memory"}}');
INSERT INTO public.run_events VALUES ('r1', 12, 1700000009000000, '{"event":"step_failed","step":"transform","attempt":2,"reason":"it used more than 2 GiB","retry_at":null}');
INSERT INTO public.run_events VALUES ('r1', 13, 1700000009000000, '{"event":"step_ended","step":"train","attempt":1,"exit":{"how":"signal","signal":9}}');
INSERT INTO public.run_events VALUES ('r1', 14, 1700000009000000, '{"event":"step_ended","step":"train","attempt":2,"exit":{"how":"not_started","reason":"no such image","permanent":true}}');
INSERT INTO public.run_events VALUES ('r1', 15, 1700000009000000, '{"event":"step_ended","step":"train","attempt":3,"exit":{"how":"lost"}}');
INSERT INTO public.run_events VALUES ('r1', 16, 1700000009000000, '{"event":"step_skipped","step":"validate","reason":"an earlier step failed"}');
INSERT INTO public.run_events VALUES ('r1', 17, 1700000009000000, '{"event":"image_failed","image":"trainer","reason":"no such base image","last_lines":["FROM nothing","not found"]}');
INSERT INTO public.run_events VALUES ('r1', 18, 1700000009000000, '{"event":"gate_judged","verdict":{"blessing":"not_blessed","rubber_stamp":false,"findings":[{"slice_key":{"origin":"EWR"},"metric":"auc","passed":false,"sentence":"auc of origin=EWR is 0.52, below 0.55","rule":{"value_threshold":{"lower_bound":0.55}}},{"slice_key":{},"metric":"auc","passed":null,"sentence":"too few examples"}],"comparisons":[{"slice_key":{},"metric":"auc","num_examples":28135,"candidate":0.669,"baseline":0.677,"difference":-0.008,"interval":[-0.02,0.004],"threshold":"≥ 0.55","passed":true}],"interval_level":0.95,"slicing_details":[{"slicing_spec":{"feature_keys":["origin"]},"num_matching_slices":3}]}}');
INSERT INTO public.run_events VALUES ('r1', 19, 1700000009000000, '{"event":"gate_replayed","replay":{"own":"blessed","reason":null,"verdicts":1,"gone":1,"changed":[{"run":"r0","pipeline":"flights","created_at":1,"then":"blessed","now":"not_blessed","reason":"auc is too low"}]}}');
INSERT INTO public.run_events VALUES ('r1', 20, 1700000009000000, '{"event":"model_pushed","target":"flights","version":"000001","destination":"/models/flights/000001","model":{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{}}}');
INSERT INTO public.run_events VALUES ('r1', 21, 1700000009000000, '{"event":"push_failed","reason":"the server does not answer"}');
INSERT INTO public.run_events VALUES ('r1', 22, 1700000009000000, '{"event":"cancel_requested","by":"ada"}');
INSERT INTO public.run_events VALUES ('r1', 23, 1700000009000000, '{"event":"finished","state":"failed","summary":"transform failed","metrics":{"auc":0.669}}');
INSERT INTO public.run_events VALUES ('r2', 1, 1700000013000000, '{"event":"cancel_requested","by":"bob"}');
INSERT INTO public.run_events VALUES ('r3', 1, 1700000013000000, '{"event":"started","baseline":null}');

INSERT INTO public.runs VALUES ('r4', 'flights', NULL, NULL, NULL, NULL, 'manual', 'push of main by ada', 'e6', 1700000007000000, '{"id":"r4","event":"e6","trigger":"manual","cause":"push of main by ada","repo":null,"installation_id":7,"commit":null,"branch":null,"pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000007000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}', 0, 'queued', NULL, NULL, NULL, '{}', '[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]', false, NULL, NULL, NULL, 0, 0);
INSERT INTO public.runs VALUES ('r1', 'flights', 'acme/flights', 'main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', NULL, 'push', 'push of main by ada', 'e1', 1700000002000000, '{"id":"r1","event":"e1","trigger":"push","cause":"push of main by ada","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000002000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}', 23, 'failed', 'transform failed', 'blessed', '{"name":"r1/train/model","type_name":"Model","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","uri":"/data/artifacts/1","properties":{"framework":"lightgbm","auc":0.669,"calibrated":true}}', '{"auc":0.669}', '[{"name":"examples","state":"succeeded"},{"name":"newest","state":"cached"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"skipped"},{"name":"transform","state":"failed"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]', true, 1700000009000000, 1700000009000000, 'one', 1, 1700000099000000);
INSERT INTO public.runs VALUES ('r2', 'flights', 'acme/flights', 'main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 5, 'pull_request', 'push of main by ada', 'e2', 1700000004000000, '{"id":"r2","event":"e2","trigger":"pull_request","cause":"push of main by ada","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":5,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":false,"created_at":1700000004000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"proposed_gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":600,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}', 1, 'queued', NULL, NULL, NULL, '{}', '[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]', true, NULL, NULL, NULL, 0, 0);
INSERT INTO public.runs VALUES ('r3', 'flights', 'acme/flights', 'main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', NULL, 'schedule', 'schedule', 'e5', 1700000006000000, '{"id":"r3","event":"e5","trigger":"schedule","cause":"schedule","repo":"acme/flights","installation_id":7,"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","branch":"main","pull_request":null,"folder":"pipelines/flights","newest_spans":{"flights":"2013-04"},"may_push":true,"created_at":1700000006000000,"plan":{"pipeline":"flights","parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"triggers":{"push":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"pull_request":{"branches":["main"],"paths":["pipelines/flights/**","dockerfiles/trainer.Dockerfile"]},"data":{"source":"flights","quiet_period":"1s"},"schedule":{"cron":"0 3 * * 1","timezone":"America/New_York","catchup":"latest"}},"concurrency":{"max_active_runs":1,"on_conflict":"queue"},"data":{"flights":{"uri":"flights/{YYYY}-{MM}.parquet"}},"images":{"transform":{"dockerfile":"dockerfiles/trainer.Dockerfile","context":"pipelines/flights"}},"steps":{"examples":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"train":4,"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":3,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":0,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous":{"component":"ExampleGen","image":"components","command":["/trainyard-components","example-gen"],"parameters":{"splits":{"eval":1}},"inputs":{},"after":[],"outputs":{"examples":"Examples"},"source":{"source":"flights","uri":"flights/{YYYY}-{MM}.parquet","window":{"rolling_range":{"num_spans":1,"skip_num_recent_spans":1,"keep_all_versions":false,"min_spans":1}}},"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"newest_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"previous_statistics":{"component":"StatisticsGen","image":"components","command":["/trainyard-components","statistics-gen"],"parameters":{},"inputs":{"examples":{"output":{"step":"previous","output":"examples"}}},"memo":{"output":"statistics","input":"stored_statistics"},"after":[],"outputs":{"statistics":"ExampleStatistics"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"validate":{"component":"ExampleValidator","image":"components","command":["/trainyard-components","example-validator"],"parameters":{"on_anomaly":"fail","environment":"TRAINING","drift":{"significance_level":0.01,"correction":"bonferroni","features":{"carrier":{"infinity_norm":{"threshold":0.05}},"origin":{"infinity_norm":{"threshold":0.05}},"dest":{"jensen_shannon_divergence":{"threshold":0.05}},"hour":{"kolmogorov_smirnov":{"threshold":0.1}},"distance":{"kolmogorov_smirnov":{"threshold":0.1}}}}},"inputs":{"statistics":{"output":{"step":"newest_statistics","output":"statistics"}},"previous_statistics":{"output":{"step":"previous_statistics","output":"statistics"}},"schema":{"file":{"path":"pipelines/flights/schema.json","type_name":"Schema"}}},"optional":["previous_statistics","serving_statistics"],"after":[],"outputs":{"anomalies":"ExampleAnomalies"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"transform":{"component":"Transform","image":{"build":"transform"},"command":["python","transform.py","--examples","{{inputs.examples}}","--transform","{{outputs.transform}}","--transformed","{{outputs.transformed}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}}},"after":[],"outputs":{"transform":"TransformGraph","transformed":"Examples"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"train":{"component":"Trainer","image":{"build":"transform"},"command":["python","train.py","--examples={{inputs.examples}}","--transformed={{inputs.transformed}}","--transform={{inputs.transform}}","--model={{outputs.model}}","--learning-rate={{parameters.learning_rate}}","--num-trees={{parameters.num_trees}}","--num-leaves={{parameters.num_leaves}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"examples","output":"examples"}},"transformed":{"output":{"step":"transform","output":"transformed"}},"transform":{"output":{"step":"transform","output":"transform"}}},"after":["validate"],"outputs":{"model":"Model"},"source":null,"environment":{},"cpus":2.0,"memory_bytes":4294967296,"timeout_seconds":1800,"retry":{"max_retry_count":2,"backoff_seconds":10.0,"backoff_factor":2.0,"backoff_max_seconds":3600.0},"network":"none","cache":true},"infer_candidate":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":{"output":{"step":"train","output":"model"}}},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"infer_baseline":{"component":"BulkInferrer","image":{"build":"transform"},"command":["python","infer.py","--examples","{{inputs.examples}}","--model","{{inputs.model}}","--predictions","{{outputs.predictions}}"],"parameters":{"learning_rate":0.05,"num_trees":100,"num_leaves":31},"inputs":{"examples":{"output":{"step":"newest","output":"examples"}},"model":"baseline"},"after":[],"outputs":{"predictions":"InferenceResult"},"source":null,"environment":{},"cpus":1.0,"memory_bytes":2147483648,"timeout_seconds":600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true},"evaluate":{"component":"Evaluator","image":"components","command":["/trainyard-components","evaluator"],"parameters":{"model_type":"binary_classification","label":"late","prediction":"score","slicing_specs":[{},{"feature_keys":["origin"]},{"feature_keys":["carrier"]}],"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":2013}},"inputs":{"candidate":{"output":{"step":"infer_candidate","output":"predictions"}},"baseline":{"output":{"step":"infer_baseline","output":"predictions"}}},"after":[],"outputs":{"evaluation":"ModelEvaluation"},"source":null,"environment":{},"cpus":null,"memory_bytes":null,"timeout_seconds":3600,"retry":{"max_retry_count":0,"backoff_seconds":0.0,"backoff_factor":1.0,"backoff_max_seconds":0.0},"network":"none","cache":true}},"gate":{"gate":{"baseline":"serving","slicing_specs":[{},{"feature_keys":["origin"]}],"metrics":{"auc":{"value_threshold":{"lower_bound":0.55},"require":"no_significant_regression","margin":0.002}},"min_slice_size":500,"confidence_level":0.95},"evaluation":["evaluate","evaluation"],"model":["train","model"]},"push":{"target":"flights","infra_validation":"LOAD_AND_QUERY","max_latency":"50ms"}}}', 1, 'running', NULL, NULL, NULL, '{}', '[{"name":"examples","state":"pending"},{"name":"newest","state":"pending"},{"name":"previous","state":"pending"},{"name":"newest_statistics","state":"pending"},{"name":"previous_statistics","state":"pending"},{"name":"validate","state":"pending"},{"name":"transform","state":"pending"},{"name":"train","state":"pending"},{"name":"infer_candidate","state":"pending"},{"name":"infer_baseline","state":"pending"},{"name":"evaluate","state":"pending"}]', false, 1700000013000000, NULL, NULL, 0, 0);

INSERT INTO public.schedule_slots VALUES ('acme/flights', 'flights', 1700000006000000, 'e5');

INSERT INTO public.schedules VALUES ('', 'flights', 'pipelines/flights', NULL, NULL, '0 3 * * 1', 'America/New_York', 'latest', 1700000001000000, NULL, true);
INSERT INTO public.schedules VALUES ('acme/flights', 'flights', 'pipelines/flights', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'main', '0 3 * * 1', 'America/New_York', 'latest', 1700000001000000, 1700000006000000, true);

INSERT INTO public.type VALUES (1, 'mlmd.Dataset', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (2, 'mlmd.Model', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (3, 'mlmd.Metrics', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (4, 'mlmd.Statistics', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (5, 'mlmd.Train', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (6, 'mlmd.Transform', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (7, 'mlmd.Process', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (8, 'mlmd.Evaluate', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (9, 'mlmd.Deploy', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (10, 'pipeline', NULL, 2, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (11, 'pipeline_run', NULL, 2, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (12, 'node', NULL, 2, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (13, 'execution_cache', NULL, 2, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (14, 'ExternalData', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (15, 'Examples', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (16, 'ExampleStatistics', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (17, 'Schema', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (18, 'ExampleAnomalies', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (19, 'TransformGraph', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (20, 'Model', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (21, 'InferenceResult', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (22, 'ModelEvaluation', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (23, 'ModelBlessing', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (24, 'InfraBlessing', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (25, 'PushedModel', NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (26, 'ExampleGen', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (27, 'StatisticsGen', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (28, 'SchemaGen', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (29, 'ExampleValidator', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (30, 'Transform', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (31, 'Trainer', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (32, 'Evaluator', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (33, 'Pusher', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO public.type VALUES (34, 'Gate', NULL, 0, NULL, NULL, NULL, NULL);

INSERT INTO public.typeproperty VALUES (15, 'span', 1);
INSERT INTO public.typeproperty VALUES (15, 'version', 1);
INSERT INTO public.typeproperty VALUES (15, 'split_names', 3);
INSERT INTO public.typeproperty VALUES (16, 'span', 1);
INSERT INTO public.typeproperty VALUES (16, 'split_names', 3);
INSERT INTO public.typeproperty VALUES (18, 'span', 1);
INSERT INTO public.typeproperty VALUES (18, 'split_names', 3);

SELECT pg_catalog.setval('public.aliases_id_seq', 3, true);

SELECT pg_catalog.setval('public.artifact_id_seq', 6, true);

SELECT pg_catalog.setval('public.association_id_seq', 27, true);

SELECT pg_catalog.setval('public.attribution_id_seq', 24, true);

SELECT pg_catalog.setval('public.context_id_seq', 10, true);

SELECT pg_catalog.setval('public.event_id_seq', 8, true);

SELECT pg_catalog.setval('public.execution_id_seq', 8, true);

SELECT pg_catalog.setval('public.hold_events_id_seq', 2, true);

SELECT pg_catalog.setval('public.outbox_id_seq', 3, true);

SELECT pg_catalog.setval('public.promotions_id_seq', 5, true);

SELECT pg_catalog.setval('public.type_id_seq', 34, true);

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT aliases_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT artifact_external_id_key UNIQUE (external_id);

ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT artifact_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.artifactproperty
    ADD CONSTRAINT artifactproperty_pkey PRIMARY KEY (artifact_id, name, is_custom_property);

ALTER TABLE ONLY public.association
    ADD CONSTRAINT association_context_id_execution_id_key UNIQUE (context_id, execution_id);

ALTER TABLE ONLY public.association
    ADD CONSTRAINT association_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.attribution
    ADD CONSTRAINT attribution_context_id_artifact_id_key UNIQUE (context_id, artifact_id);

ALTER TABLE ONLY public.attribution
    ADD CONSTRAINT attribution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.context
    ADD CONSTRAINT context_external_id_key UNIQUE (external_id);

ALTER TABLE ONLY public.context
    ADD CONSTRAINT context_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.context
    ADD CONSTRAINT context_type_id_name_key UNIQUE (type_id, name);

ALTER TABLE ONLY public.contextproperty
    ADD CONSTRAINT contextproperty_pkey PRIMARY KEY (context_id, name, is_custom_property);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_dedupe_key_key UNIQUE (dedupe_key);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.execution
    ADD CONSTRAINT execution_external_id_key UNIQUE (external_id);

ALTER TABLE ONLY public.execution
    ADD CONSTRAINT execution_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.executionproperty
    ADD CONSTRAINT executionproperty_pkey PRIMARY KEY (execution_id, name, is_custom_property);

ALTER TABLE ONLY public.hold_events
    ADD CONSTRAINT hold_events_hold_key_event_key UNIQUE (hold_key, event);

ALTER TABLE ONLY public.hold_events
    ADD CONSTRAINT hold_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (hold_key);

ALTER TABLE ONLY public.mlmdenv
    ADD CONSTRAINT mlmdenv_pkey PRIMARY KEY (schema_version);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_item_key_key UNIQUE (item_key);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.parentcontext
    ADD CONSTRAINT parentcontext_pkey PRIMARY KEY (context_id, parent_context_id);

ALTER TABLE ONLY public.parenttype
    ADD CONSTRAINT parenttype_pkey PRIMARY KEY (type_id, parent_type_id);

ALTER TABLE ONLY public.pipelines
    ADD CONSTRAINT pipelines_pkey PRIMARY KEY (repo, name);

ALTER TABLE ONLY public.preimages
    ADD CONSTRAINT preimages_pkey PRIMARY KEY (run, step);

ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT promotions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.promotions
    ADD CONSTRAINT promotions_target_previous_key UNIQUE (target, previous);

ALTER TABLE ONLY public.run_events
    ADD CONSTRAINT run_events_pkey PRIMARY KEY (run, seq);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schedule_slots
    ADD CONSTRAINT schedule_slots_pkey PRIMARY KEY (repo, pipeline, slot);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (repo, pipeline);

ALTER TABLE ONLY public.type
    ADD CONSTRAINT type_external_id_key UNIQUE (external_id);

ALTER TABLE ONLY public.type
    ADD CONSTRAINT type_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.typeproperty
    ADD CONSTRAINT typeproperty_pkey PRIMARY KEY (type_id, name);

ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT uniqueartifacttypename UNIQUE (type_id, name);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT uniqueevent UNIQUE (artifact_id, execution_id, type);

ALTER TABLE ONLY public.execution
    ADD CONSTRAINT uniqueexecutiontypename UNIQUE (type_id, name);

CREATE INDEX aliases_newest ON public.aliases USING btree (model, alias, id);

CREATE INDEX deliveries_newest ON public.deliveries USING btree (received_at, id);

CREATE INDEX deliveries_waiting ON public.deliveries USING btree (received_at, id) WHERE (processed_at IS NULL);

CREATE INDEX events_delivery ON public.events USING btree (delivery);

CREATE INDEX holds_due ON public.holds USING btree (held_until);

CREATE INDEX idx_artifact_create_time_since_epoch ON public.artifact USING btree (create_time_since_epoch);

CREATE INDEX idx_artifact_external_id ON public.artifact USING btree (external_id);

CREATE INDEX idx_artifact_last_update_time_since_epoch ON public.artifact USING btree (last_update_time_since_epoch);

CREATE INDEX idx_artifact_property_double ON public.artifactproperty USING btree (name, is_custom_property, double_value);

CREATE INDEX idx_artifact_property_int ON public.artifactproperty USING btree (name, is_custom_property, int_value);

CREATE INDEX idx_artifact_property_string ON public.artifactproperty USING btree (name, is_custom_property, "left"(string_value, 255));

CREATE INDEX idx_artifact_uri ON public.artifact USING btree (uri);

CREATE INDEX idx_context_create_time_since_epoch ON public.context USING btree (create_time_since_epoch);

CREATE INDEX idx_context_external_id ON public.context USING btree (external_id);

CREATE INDEX idx_context_last_update_time_since_epoch ON public.context USING btree (last_update_time_since_epoch);

CREATE INDEX idx_context_property_double ON public.contextproperty USING btree (name, is_custom_property, double_value);

CREATE INDEX idx_context_property_int ON public.contextproperty USING btree (name, is_custom_property, int_value);

CREATE INDEX idx_context_property_string ON public.contextproperty USING btree (name, is_custom_property, "left"(string_value, 255));

CREATE INDEX idx_event_execution_id ON public.event USING btree (execution_id);

CREATE INDEX idx_eventpath_event_id ON public.eventpath USING btree (event_id);

CREATE INDEX idx_execution_create_time_since_epoch ON public.execution USING btree (create_time_since_epoch);

CREATE INDEX idx_execution_external_id ON public.execution USING btree (external_id);

CREATE INDEX idx_execution_last_update_time_since_epoch ON public.execution USING btree (last_update_time_since_epoch);

CREATE INDEX idx_execution_property_double ON public.executionproperty USING btree (name, is_custom_property, double_value);

CREATE INDEX idx_execution_property_int ON public.executionproperty USING btree (name, is_custom_property, int_value);

CREATE INDEX idx_execution_property_string ON public.executionproperty USING btree (name, is_custom_property, "left"(string_value, 255));

CREATE INDEX idx_parentcontext_parent_context_id ON public.parentcontext USING btree (parent_context_id);

CREATE INDEX idx_type_external_id ON public.type USING btree (external_id);

CREATE INDEX idx_type_name ON public.type USING btree (name);

CREATE INDEX outbox_due ON public.outbox USING btree (next_attempt_at);

CREATE INDEX promotions_target ON public.promotions USING btree (target, id);

CREATE INDEX runs_active ON public.runs USING btree (created_at, id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE INDEX runs_event ON public.runs USING btree (event);

CREATE INDEX runs_newest ON public.runs USING btree (created_at, id);

CREATE INDEX runs_pipeline ON public.runs USING btree (pipeline, created_at, id);

CREATE INDEX trainyard_artifact_digest ON public.artifactproperty USING btree (string_value) WHERE (((name)::text = 'digest'::text) AND (is_custom_property = true));

CREATE INDEX trainyard_artifact_name ON public.artifact USING btree (name);

CREATE INDEX trainyard_execution_name ON public.execution USING btree (name);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_delivery_fkey FOREIGN KEY (delivery) REFERENCES public.deliveries(id);

ALTER TABLE ONLY public.hold_events
    ADD CONSTRAINT hold_events_hold_key_fkey FOREIGN KEY (hold_key) REFERENCES public.holds(hold_key) ON DELETE CASCADE;

ALTER TABLE ONLY public.preimages
    ADD CONSTRAINT preimages_run_fkey FOREIGN KEY (run) REFERENCES public.runs(id);

ALTER TABLE ONLY public.run_events
    ADD CONSTRAINT run_events_run_fkey FOREIGN KEY (run) REFERENCES public.runs(id);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_event_fkey FOREIGN KEY (event) REFERENCES public.events(id);

