-- The same on SQLite, as SQLAlchemy makes it.
CREATE TABLE rooms (
  id INTEGER NOT NULL, name VARCHAR(100) NOT NULL, drive VARCHAR(200), calendar VARCHAR(200), main_source VARCHAR(100),
  screen_source VARCHAR(100), sound_source VARCHAR(100), stream_url VARCHAR(300), PRIMARY KEY (id), UNIQUE (name)
);

CREATE TABLE sources (
  id INTEGER NOT NULL, name VARCHAR(100), ip VARCHAR(200), port INTEGER, rtsp VARCHAR(200), audio VARCHAR(200), merge VARCHAR(200),
  room_id INTEGER, PRIMARY KEY (id), FOREIGN KEY(room_id) REFERENCES rooms (id)
);

CREATE TABLE records (
  id INTEGER NOT NULL, event_name VARCHAR(200), room_name VARCHAR(200) NOT NULL, date VARCHAR(100) NOT NULL,
  start_time VARCHAR(100) NOT NULL, end_time VARCHAR(100) NOT NULL, user_email VARCHAR(100) NOT NULL, event_id VARCHAR(200),
  done BOOLEAN, processing BOOLEAN, PRIMARY KEY (id), CHECK (done IN (0, 1)), CHECK (processing IN (0, 1))
);

CREATE TABLE users (
  id INTEGER NOT NULL, email VARCHAR(120), role VARCHAR(50), api_key VARCHAR(100), PRIMARY KEY (id), UNIQUE (email), UNIQUE (api_key)
);

CREATE TABLE channels (id VARCHAR(100) NOT NULL, room_id INTEGER, PRIMARY KEY (id));
