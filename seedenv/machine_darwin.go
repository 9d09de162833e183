package seedenv

func systemFacts() map[string]string {
	return map[string]string{
		"kernel": ask("uname", "-r"),
		"cpu":    ask("sysctl", "-n", "machdep.cpu.brand_string"),
		"memory": ask("sysctl", "-n", "hw.memsize"),
		"distro": ask("sw_vers", "-productVersion"),
	}
}
