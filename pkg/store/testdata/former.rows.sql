INSERT INTO records (id, room_name, date, start_time, end_time, user_email, step, reason) VALUES (101, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'withdrawn', '{"en":"Calendar: the event is opted-out.","ru":"Календарь: в событии просят не записывать."}');

INSERT INTO records (id, room_name, date, start_time, end_time, user_email, step, reason) VALUES (102, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'withdrawn', '{"en":"The event was cancelled or asks not to be recorded.","ru":"Событие отменено или просит не записывать."}');

INSERT INTO records (id, room_name, date, start_time, end_time, user_email, step, reason) VALUES (103, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'withdrawn', '{"en":"Withdrawn by a@example.org.","ru":"Отозвано: a@example.org."}');

INSERT INTO records (id, room_name, date, start_time, end_time, user_email, step, reason) VALUES (104, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'failed', 'Calendar: of 2026');

INSERT INTO records (id, room_name, date, start_time, end_time, user_email, step, reason) VALUES (105, '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'withdrawn', NULL);
