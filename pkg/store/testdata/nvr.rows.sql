INSERT INTO rooms (id, name, drive, calendar, main_source, screen_source, sound_source) VALUES (1, '504', 'https://drive.google.com/drive/u/0/folders/abc', 'c_504@group.calendar.google.com', '172.18.191.24/0', '172.18.191.25/0', '172.18.191.24/0');

INSERT INTO rooms (id, name) VALUES (2, 'Ауд. 305 (лекц.)');

INSERT INTO sources (id, name, ip, port, rtsp, audio, merge, room_id) VALUES (1, 'Лектор', '172.18.191.24', 80, '/0', 'main', 'left', 1);

INSERT INTO sources (id, name, ip, port, rtsp, audio, merge, room_id) VALUES (2, 'Доска', '172.18.191.30/0', NULL, NULL, NULL, 'small right', 1);

INSERT INTO users (id, email, role, api_key) VALUES (1, 'a@example.org', 'admin', 'b0e42fe7-31a5-4894-a441-007e5256afea');

INSERT INTO users (id, email, role, api_key) VALUES (2, 'b@example.org', 'user', NULL);

INSERT INTO channels (id, room_id) VALUES ('x', 1);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (1, 'Матан', '504', '2025-03-01', '10:00', '11:00', 'a@example.org', 'ev1', 1, 0);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (2, NULL, '504', '2025-03-02', '10:00', '11:00', 'a@example.org', NULL, 0, 0);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (3, NULL, '504', '2025-03-02', '10:00', '11:00', 'a@example.org', NULL, NULL, NULL);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (4, NULL, '504', '2025-03-02', '10:00', '11:00', 'a@example.org', NULL, 0, 1);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (5, 'Физика', '504', '2026-11-19', '10:00', '11:00', 'a@example.org', 'ev2', 0, 0);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (6, 'Физика', '504', '2026-12-19', '10:00', '11:00', 'a@example.org', 'ev3', 0, 0);

INSERT INTO records (id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing) VALUES (7, 'Когда?', '504', '19.11.2026', '10:00', '11:00', 'a@example.org', NULL, 0, 0);
