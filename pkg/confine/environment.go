package confine

import "os"

// Environment returns the environment of a child: some variables of this process by a list, and the given
// ones (NAME=value). It leaves out the settings of this process, since secrets are among them, and a child
// reads files that may be hostile. It is never nil, which would mean all variables to package exec.
func Environment(given ...string) []string {
	env := []string{}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TESSDATA_PREFIX",
	} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return append(env, given...)
}
