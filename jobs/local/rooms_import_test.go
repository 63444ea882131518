package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// roomFile writes a file of rooms and returns its name.
func roomFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRoomsImport imports rooms, changes one and takes a board camera away; the export is the same table and
// changes nothing when it is imported again.
func TestRoomsImport(t *testing.T) {
	t.Parallel()
	dir := emptyState(t)
	first := roomFile(t, "rooms.csv", "room,lecturer,screen,board,sound,calendar,drive,zone,layout\n"+
		"504,172.18.191.24,172.18.191.21,172.18.191.30,172.18.191.24,c@example.org,F1,Asia/Yekaterinburg,stage\n"+
		"\"505, left/a\",172.18.191.44,,,,,,,\n")
	stdout, _ := runs(t, exitDone, "rooms", "import", first, "--dry-run", "--data", dir)
	if listed, _ := runs(t, exitDone, "rooms", "export", "--data", dir); strings.Contains(listed, "504") ||
		!strings.Contains(stdout, "Nothing is saved. Rooms to add: 2,") {
		t.Fatalf("a dry run says\n%s\nand leaves\n%s", stdout, listed)
	}
	runs(t, exitDone, "rooms", "import", first, "--data", dir)
	const header = "room,lecturer,screen,board,sound,calendar,drive,zone,language,segment_length,layout\n"
	const other = "\"505, left/a\",172.18.191.44,,,,,,Europe/Moscow,ru,30m,\n"
	want := header + "504,172.18.191.24,172.18.191.21,172.18.191.30,172.18.191.24,c@example.org,F1," +
		"Asia/Yekaterinburg,ru,30m,stage\n" + other
	if got, _ := runs(t, exitDone, "rooms", "export", "--data", dir); got != want {
		t.Fatalf("exported\n%s\nwant\n%s", got, want)
	}
	// As a spreadsheet of Russian settings writes it.
	second := roomFile(t, "rooms.csv", "\ufeffRoom;Board;Drive;Segment_length;Zone\r\n504;;F2;15m;\r\n")
	stdout, _ = runs(t, exitDone, "rooms", "import", second, "--data", dir)
	for _, part := range []string{
		"2: 504 changes:", "board: 172.18.191.30 -> -", "drive: F1 -> F2", "segment_length: 30m -> 15m", "changed: 1",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the import says\n%s\nwithout %q", stdout, part)
		}
	}
	want = header + "504,172.18.191.24,172.18.191.21,,172.18.191.24,c@example.org,F2,Asia/Yekaterinburg,ru,15m,stage\n" + other
	got, _ := runs(t, exitDone, "rooms", "export", "--data", dir)
	if got != want {
		t.Errorf("exported\n%s\nwant\n%s", got, want)
	}
	for _, file := range []string{roomFile(t, "again.csv", got), roomJSON(t, dir)} {
		if stdout, _ = runs(t, exitDone, "rooms", "import", file, "--data", dir); !strings.Contains(stdout, "unchanged: 2") {
			t.Errorf("the export imported again says\n%s", stdout)
		}
	}
}

// roomJSON writes what rooms list --json prints into a file.
func roomJSON(t *testing.T, dir string) string {
	t.Helper()
	stdout, _ := runs(t, exitDone, "rooms", "list", "--json", "--data", dir)
	return roomFile(t, "rooms.json", stdout)
}

// TestRoomsImportRefuses imports files with mistakes: each is named with its line, and nothing is saved.
func TestRoomsImportRefuses(t *testing.T) {
	t.Parallel()
	dir := emptyState(t)
	for text, want := range map[string][]string{
		"":                          {"no column room"},
		"lecturer\n172.18.191.24\n": {"no column room"},
		"room,camera\n504,x\n":      {"column camera", "lecturer, screen"},
		"room,room\n504,505\n":      {"column room", "twice"},
		"room,board\n503,172.18.191.30\n504,left\n505\n": {"wrong number of fields"},
		"room,board,zone\n503,172.18.191.30,\n504,left,\n../x,,\n505,,Mars\n503,,\n": {
			"nothing was saved", "line 3:", `"left"`, "line 4: room ../x", "line 5:", `"Mars"`, "line 6: room 503", "line 2",
		},
		"room,segment_length\n503,90s\n504,soon\n": {"line 2:", "1m30s", "line 3:", "soon"},
		`[{"room": "503", "lecturer": 24}]`:        {"JSON"},
		`[{"lecturer": "172.18.191.24"}]`:          {"line 1:"},
	} {
		_, stderr := runs(t, exitFailed, "rooms", "import", roomFile(t, "rooms.csv", text), "--data", dir)
		for _, part := range want {
			if !strings.Contains(stderr, part) {
				t.Errorf("%q says\n%s\nwithout %q", text, stderr, part)
			}
		}
	}
	if stdout, _ := runs(t, exitDone, "rooms", "export", "--data", dir); strings.Count(stdout, "\n") != 1 {
		t.Errorf("rooms were saved all the same:\n%s", stdout)
	}
}

// TestRoomsDelete deletes a room, once.
func TestRoomsDelete(t *testing.T) {
	t.Parallel()
	dir := emptyState(t)
	runs(t, exitDone, "rooms", "set", "504", "--board", "172.18.191.30", "--data", dir)
	runs(t, exitDone, "rooms", "delete", "504", "--data", dir)
	if _, stderr := runs(t, exitFailed, "rooms", "delete", "504", "--data", dir); !strings.Contains(stderr, "no room 504") {
		t.Errorf("a room that is gone: %s", stderr)
	}
	if stdout, _ := runs(t, exitDone, "rooms", "export", "--data", dir); strings.Contains(stdout, "504") {
		t.Errorf("still there:\n%s", stdout)
	}
}

// FuzzRoomLines reads any text as a file of rooms: lines come with the name of a column that is known.
func FuzzRoomLines(f *testing.F) {
	f.Add([]byte("room,board\n504,172.18.191.30\n"))
	f.Add([]byte("\xef\xbb\xbfRoom;Zone\r\n\"5;04\";\r\n"))
	f.Add([]byte(`[{"room":"504","zone":"UTC"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, err := readRoomLines(text)
		if err != nil {
			return
		}
		for _, line := range lines {
			if line.number < 1 || len(line.settings) > len(roomColumns()) {
				t.Fatalf("line %+v", line)
			}
		}
	})
}
