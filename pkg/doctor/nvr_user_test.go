package doctor_test

import (
	"database/sql"
	"errors"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/doctor"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestNVRUser runs the doctor with the rights of its component, on a database whose NVR user was created
// with gcloud.
func TestNVRUser(t *testing.T) {
	t.Parallel()
	db := storetest.MariaDBOfComponents(t)
	root, err := sql.Open("mysql", db.DSN)
	for _, statement := range []string{
		"create role cloudsqlsuperuser",
		"create user recorder@'%'",
		"grant cloudsqlsuperuser to recorder@'%'",
	} {
		if err == nil {
			_, err = root.ExecContext(t.Context(), statement)
		}
	}
	if err := errors.Join(err, root.Close()); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]cause.Code{
		"recorder": cause.CodeNVRSuperuser,
		"nvr":      cause.CodeNVRLimited,
		"":         "",
	} {
		d := doctor.Doctor{
			Config: &config.Config{
				Database: config.Secret(db.As("doctor")),
				NVRUser:  user,
				TimeZone: "UTC",
				Language: "en",
			},
			Down: true,
			Now:  storetest.NewClock().Now,
		}
		var code cause.Code
		for _, f := range d.Run(t.Context()) {
			if f.What == "NVR user" {
				code = f.Cause.Code()
			}
			if f.State == doctor.StateFail && f.What != "ffmpeg" {
				t.Errorf("%s: %v", f.What, f.Cause)
			}
		}
		if code != want {
			t.Errorf("user %q: found %q, want %q", user, code, want)
		}
	}
}
