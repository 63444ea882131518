package simulate

import "time"

// Slot is a slot of a timetable: its start and end as times of day, and the probability of a lecture.
type Slot struct {
	Start, End string
	Held       float64
}

// Outage is a stretch of the simulated time, as offsets from its start.
type Outage struct{ From, To time.Duration }

// during reports whether the outage lasts at an offset from the start of the simulation.
func (o Outage) during(at time.Duration) bool {
	return o.From <= at && at < o.To
}

// Bulk is a number of simultaneous requests for old footage.
type Bulk struct {
	At             time.Duration
	Rooms, Records int
}

// Scenario configures one run.
type Scenario struct {
	Name, About string

	Rooms       int
	Deployments int // that share the rooms; 0: one
	Days        int // from a Monday on
	Slots       []Slot
	Size        string // of terraform/examples
	Users       int    // Drive users that upload; 0: as many as the size names
	Region      Outage // nothing runs
	Claim       Outage // claim is not called
	Standby     Outage // nor is standby
	Course      Outage // Classroom has only CourseLeft calls a minute for us
	Limits      Limits
	Bulk        Bulk
	Seed        uint64

	CourseLeft int
}

// ordinary returns a working day of about three lectures per room, as in the examples of terraform.
func ordinary() []Slot {
	return []Slot{
		{"09:30", "10:50", 0.55}, {"11:10", "12:30", 0.65}, {"13:00", "14:20", 0.6},
		{"14:40", "16:00", 0.55}, {"16:20", "17:40", 0.4}, {"18:10", "19:30", 0.25},
	}
}

// exams returns a day with lectures in all rooms from morning to evening.
func exams() []Slot {
	return []Slot{{"09:00", "12:00", 0.95}, {"12:30", "15:30", 0.95}, {"16:00", "19:00", 0.9}}
}

// Scenarios returns the scenarios of docs/simulation.md, in its order.
func Scenarios() []Scenario {
	const day, hour = 24 * time.Hour, time.Hour
	university := Scenario{
		Rooms:  1000,
		Days:   1,
		Slots:  ordinary(),
		Size:   "large",
		Limits: Google(),
		Seed:   1,
	}
	with := func(name, about string, change func(*Scenario)) Scenario {
		s := university
		s.Name, s.About = name, about
		change(&s)
		return s
	}
	return []Scenario{
		with("campus", "20 rooms, an ordinary week", func(s *Scenario) {
			s.Rooms, s.Days, s.Size = 20, 7, "small"
		}),
		with("campus-exams", "20 rooms, exam week", func(s *Scenario) {
			s.Rooms, s.Days, s.Size, s.Slots = 20, 7, "small", exams()
		}),
		with("university", "1,000 rooms, three ordinary days", func(s *Scenario) { s.Days = 3 }),
		with("university-exams", "1,000 rooms, a day of exams", func(s *Scenario) {
			s.Slots = exams()
		}),
		with("region", "1,000 rooms, no region from 11:00 to 14:00", func(s *Scenario) {
			s.Region = Outage{11 * hour, 14 * hour}
		}),
		with("claim", "1,000 rooms, no claim from Monday 10:00 for a day", func(s *Scenario) {
			s.Days, s.Claim = 2, Outage{10 * hour, day + 10*hour}
		}),
		with("unclaimed", "the same, and no standby either", func(s *Scenario) {
			s.Days, s.Claim = 2, Outage{10 * hour, day + 10*hour}
			s.Standby = s.Claim
		}),
		with("drive", "1,000 rooms, Drive takes only 400 GB a day and user", func(s *Scenario) {
			s.Limits.UploadBytes = 400_000_000_000
		}),
		with("drive-one", "1,000 rooms, one Drive user, 750 GB a day", func(s *Scenario) {
			s.Users = 1
		}),
		with("classroom", "1,000 rooms, Classroom at 30 calls a minute for six hours", func(s *Scenario) {
			s.Course, s.CourseLeft = Outage{12 * hour, 18 * hour}, 30
		}),
		with("bulk", "1,000 rooms; one department asks for 1,000 old lectures", func(s *Scenario) {
			s.Bulk = Bulk{At: 10*hour + 30*time.Minute, Rooms: 10, Records: 1000}
		}),
		with("giant", "20,000 rooms, a day, in twenty deployments of 1,000", func(s *Scenario) {
			s.Rooms, s.Deployments = 20_000, 20
		}),
	}
}
