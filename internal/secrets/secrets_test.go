package secrets

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// join keeps what looks like a secret out of this file.
func join(parts ...string) string { return strings.Join(parts, "") }

func TestFind(t *testing.T) {
	long := strings.Repeat("aB3", 20)
	for text, want := range map[string]string{
		"key = \"" + join("AKIA", "IOSFODNN7EXAMPLE") + "\"":         "1 an AWS access key",
		"\n\nx: " + join("gh", "p_", long[:36]):                      "3 a GitHub token",
		"t=" + join("github", "_pat_", long[:30]):                    "1 a GitHub token",
		"t=" + join("glp", "at-", long[:20]):                         "1 a GitLab token",
		"t=" + join("s", "k-proj-", long[:30]):                       "1 an API key",
		"t=" + join("xo", "xb-", "1234567890-abc"):                   "1 a Slack token",
		"t=" + join("h", "f_", long[:34]):                            "1 a Hugging Face token",
		join("AGE-SECRET", "-KEY-1", strings.Repeat("Q", 58)):        "1 an age secret key",
		join("-----BEGIN OPENSSH", " PRIVATE KEY-----"):              "1 a private key",
		join("-----BEGIN", " PRIVATE KEY-----"):                      "1 a private key",
		"db = \"postgres://me:" + "hunter2@db.example.org/x\"":       "1 an address with a password",
		"curl https://:" + "t0ken@example.org":                       "1 an address with a password",
		"a\n" + join("AKIA", "IOSFODNN7EXAMPLE") + "\nhttps://u:p@h": "2 an AWS access key, 3 an address with a password",

		"cmd = \"python risk-assessment-of-something-long.py\"": "",
		"task: sk-learn-something-with-a-long-name":             "",
		"url = \"https://user@example.org/path:with@signs\"":    "",
		"url = \"https://u:${PASSWORD}@example.org\"":           "",
		"url = \"https://u:***@example.org\"":                   "",
		"url = \"http://localhost:8080/x\"":                     "",
		"AKIA":                                                  "",
		"BRAKIAIOSFODNN7EXAMPLE":                                "",
		"half_" + long:                                          "",
		"-----BEGIN PUBLIC KEY-----":                            "",
		"blake3 = \"" + strings.Repeat("0123456789abcdef", 4):   "",
	} {
		var got []string
		for _, m := range Find([]byte(text)) {
			got = append(got, fmt.Sprint(m.Line, " ", m.What))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestFindMany is of a text made to be slow.
func TestFindMany(t *testing.T) {
	begin := time.Now()
	Find([]byte(strings.Repeat("://a:b sk-", 200_000)))
	t.Logf("%v", time.Since(begin))
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("a://b:c@d\nsk-0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range Find(text) {
			if m.Line < 1 || m.Line > 1+strings.Count(string(text), "\n") {
				t.Errorf("line %d", m.Line)
			}
		}
	})
}
