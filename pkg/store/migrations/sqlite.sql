-- Everything that the product adds to an NVR's database, in order: one DDL statement a migration, headed
-- by its number, kind and name (see migrate.go, which makes goose migrations of it). SQLite.

-- 1 table records (the NVR's; never dropped)
create table if not exists records (
  id integer primary key autoincrement,
  event_name varchar(200),
  room_name varchar(200) not null,
  date varchar(100) not null,
  start_time varchar(100) not null,
  end_time varchar(100) not null,
  user_email varchar(100) not null,
  event_id varchar(200),
  done bool default 0,
  processing bool default 0
);

-- 2 table rooms (the NVR's; never dropped)
create table if not exists rooms (
  id integer primary key autoincrement,
  name varchar(100) not null,
  drive varchar(200),
  calendar varchar(200),
  main_source varchar(100),
  screen_source varchar(100),
  sound_source varchar(100)
);

-- 3 table sources (the NVR's; never dropped)
create table if not exists sources (
  id integer primary key autoincrement,
  name varchar(100),
  ip varchar(100),
  port varchar(100),
  rtsp varchar(200),
  audio varchar(100),
  merge varchar(100),
  room_id integer
);

-- 4 table users (the NVR's; never dropped)
create table if not exists users (
  id integer primary key autoincrement,
  email varchar(100) not null,
  role varchar(50),
  api_key varchar(100)
);

-- 10 column records.step
alter table records add column step varchar(20) not null default 'stage';

-- 11 column records.failed_step
alter table records add column failed_step varchar(20) not null default '';

-- 12 column records.attempt
alter table records add column attempt bigint not null default 0;

-- 13 column records.tries
alter table records add column tries bigint not null default 0;

-- 14 column records.turn
alter table records add column turn bigint not null default 0;

-- 15 column records.holder
alter table records add column holder varchar(250) not null default '';

-- 16 column records.lease_until
alter table records add column lease_until bigint not null default 0;

-- 17 column records.due_at
alter table records add column due_at bigint not null default 0;

-- 18 column records.dated
alter table records add column dated varchar(320) not null default '';

-- 19 column records.reason
alter table records add column reason text null;

-- 20 column records.cause
alter table records add column cause text null;

-- 21 column records.progress
alter table records add column progress int not null default 0;

-- 22 column records.digest
alter table records add column digest varchar(100) not null default '';

-- 23 column records.file_id
alter table records add column file_id varchar(200) not null default '';

-- 24 column records.link
alter table records add column link text null;

-- 25 column records.course
alter table records add column course text null;

-- 26 column records.share
alter table records add column share text null;

-- 27 column records.asked_at
alter table records add column asked_at bigint not null default 0;

-- 30 column records.free_at: when a free row is due, 0 if nobody has reckoned that yet; NULL if it is not free
alter table records add column free_at bigint generated always as (case
  when coalesce(done, 0) = 0 and coalesce(processing, 0) = 0 and step in ('stage', 'merge', 'upload', 'link', 'done')
  then case when dated = coalesce(date, '') || coalesce(start_time, '') || coalesce(end_time, '') then due_at else 0 end
end) virtual;

-- 31 column records.held_until: when a row that somebody took may be taken over; NULL if nobody has it
alter table records add column held_until bigint generated always as (case
  when (coalesce(done, 0) = 1 or coalesce(processing, 0) = 1) and step in ('stage', 'merge', 'upload', 'link') and lease_until > 0
  then lease_until
end) virtual;

-- 40 index records.merger_free
create index merger_free on records (free_at, id);

-- 41 index records.merger_held
create index merger_held on records (held_until, id);

-- 42 index records.merger_step
create index merger_step on records (step, id);

-- 43 index records.merger_user
create index merger_user on records (user_email, id);

-- 44 index records.merger_room
create index merger_room on records (room_name, date);

-- 45 index records.merger_event
create index merger_event on records (event_id);

-- 46 index records.merger_owed (failed records whose requester was not told)
create index merger_owed on records (step, due_at);

-- 60 table merger_effects
create table merger_effects (
  record_id int not null,
  kind varchar(40) not null,
  subject varchar(250) not null,
  value text not null,
  created_at bigint not null,
  primary key (record_id, kind, subject)
) without rowid;

-- 61 table merger_uploads
create table merger_uploads (
  record_id int not null primary key,
  file_id varchar(200) not null,
  session text not null,
  md5 varchar(40) not null,
  size bigint not null,
  sent bigint not null,
  source text not null
);

-- 62 table merger_events
create table merger_events (
  calendar varchar(250) not null,
  event_id varchar(250) not null,
  revision bigint not null,
  record_id int not null,
  date varchar(100) not null,
  primary key (calendar, event_id, revision)
) without rowid;

-- 63 table merger_requests
create table merger_requests (
  request varchar(64) not null primary key,
  body varchar(64) not null,
  record_id int not null,
  created_at bigint not null
) without rowid;

-- 64 table merger_channels
create table merger_channels (
  id varchar(64) not null primary key,
  calendar varchar(250) not null,
  resource varchar(250) not null,
  token varchar(64) not null,
  expires_at bigint not null
) without rowid;

-- 65 table merger_api_keys
create table merger_api_keys (
  id integer primary key autoincrement,
  hash varchar(64) not null,
  prefix varchar(20) not null,
  email varchar(100) not null,
  rooms text not null,
  any_address int not null default 0,
  imported int not null default 0,
  created_at bigint not null,
  expires_at bigint not null default 0,
  revoked_at bigint not null default 0
);

-- 66 table merger_segments
create table merger_segments (
  room varchar(200) not null,
  date varchar(10) not null,
  time varchar(5) not null,
  source varchar(3) not null,
  bytes bigint not null,
  generation bigint not null,
  look text null,
  primary key (room, date, time, source)
) without rowid;

-- 67 table room_settings
create table room_settings (
  room_id int not null primary key,
  time_zone varchar(64) not null default '',
  language varchar(8) not null default '',
  segment_ms bigint not null default 0
);

-- 68 table merger_slices
create table merger_slices (
  record_id int not null,
  slice int not null,
  frames bigint not null,
  primary key (record_id, slice)
) without rowid;

-- 69 table merger_runs
create table merger_runs (
  name varchar(40) not null primary key,
  ended_at bigint not null
) without rowid;

-- 70 table merger_opt_outs
create table merger_opt_outs (
  calendar varchar(250) not null,
  event_id varchar(250) not null,
  room varchar(200) not null,
  start_at bigint not null,
  end_at bigint not null,
  organizer varchar(250) not null,
  ended int not null default 0,
  told int not null default 0,
  primary key (calendar, event_id)
) without rowid;

-- 71 table merger_event_members
create table merger_event_members (
  calendar varchar(250) not null,
  event_id varchar(250) not null,
  room varchar(200) not null,
  start_at bigint not null,
  end_at bigint not null,
  members text not null,
  primary key (calendar, event_id)
) without rowid;

-- 80 index merger_api_keys.merger_key
create unique index merger_key on merger_api_keys (hash);

-- 81 index merger_events.merger_events_date
create index merger_events_date on merger_events (calendar, date);

-- 82 index merger_events.merger_events_record
create index merger_events_record on merger_events (record_id);

-- 83 index merger_requests.merger_requests_age
create index merger_requests_age on merger_requests (created_at);

-- 84 rows records.reason: former versions wrote the reason of a sweep without its code
update records set reason = replace(reason, '{"en":',
 replace('{"code":"event-not-recorded","args":{"refusal":"@"},"en":', '@',
  substr(reason, 31, instr(reason, '."') - 31)))
 where reason like '{"en":"Calendar: the event is %."%';

-- 85 rows records.reason: the same for the reason that step upload wrote
update records set reason = replace(reason, '{"en":', '{"code":"event-withdrawn","en":')
 where reason like '{"en":"The event was cancelled%';

-- 86 column records.starts: workers that began in a row without progress; see nvr.Record
alter table records add column starts bigint not null default 0;

-- 87 index merger_opt_outs.merger_opt_outs_room
create index merger_opt_outs_room on merger_opt_outs (room, end_at);

-- 88 index merger_opt_outs.merger_opt_outs_told
create index merger_opt_outs_told on merger_opt_outs (told, start_at);

-- 89 index merger_event_members.merger_event_members_room
create index merger_event_members_room on merger_event_members (room, end_at);

-- 90 column room_settings.layout: side or stage; empty: as configured
alter table room_settings add column layout varchar(20) not null default '';

-- 91 column records.layout: that its event names, side or stage; empty: as the room's
alter table records add column layout varchar(20) not null default '';

-- 93 column records.revision: of the delivered video, from 1; see nvr.Record
alter table records add column revision bigint not null default 1;

-- 94 column records.edits: what people changed of the request, as JSON; see nvr.Edits
alter table records add column edits text null;

-- 98 column records.held: 1: delivered to the requester only, until it is released
alter table records add column held bigint not null default 0;

-- 99 column records.release_at: milliseconds; when a held record that was delivered is released by itself; 0: not
alter table records add column release_at bigint not null default 0;

-- 100 index records.merger_release
create index merger_release on records (release_at);

-- 108 column merger_segments.kept_until: milliseconds; 0: by age alone; see store.Segment
alter table merger_segments add column kept_until bigint not null default 0;
