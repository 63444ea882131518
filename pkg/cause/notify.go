package cause

func notifySpecs() []Spec { return nil }
