package replay

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/hash"
)

// longest is how long a provider may take for an answer.
const longest = time.Hour

// newClient returns a client that asks no other host than it is told to.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	// A stream is to come as it is sent, and to be stored so that people can read it.
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: t, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
			return errors.New("it redirects to another host, which xt does not follow")
		}
		if len(via) > 5 {
			return errors.New("it redirects again and again")
		}
		return nil
	}}
}

// ask asks the provider. The answer is read to its end even if the command does
// not want it any more: it may ask for it again.
func (x *exchange) ask(w http.ResponseWriter, c *call, release func()) {
	begin := untilGone(x.in.Context(), release)
	ctx, cancel := context.WithTimeout(x.s.ctx, longest)
	defer cancel()
	res, err := x.send(ctx)
	if err != nil {
		x.lost(w, c, release, begin, fmt.Errorf("ask %s: %w", x.to.base.Host, bare(err)))
		return
	}
	defer res.Body.Close()
	rec := &Recording{Version: Version, Upstream: x.to.base.Host, Request: *x.req, Response: Response{Status: res.StatusCode, Headers: kept(res.Header)}}
	if isStream(rec.Response.Headers["content-type"]) && !retried(res.StatusCode) {
		x.stream(w, c, release, begin, rec, res.Body)
		return
	}
	body, err := readAll(res.Body)
	if err != nil {
		x.lost(w, c, release, begin, fmt.Errorf("read the answer of %s: %w", x.to.base.Host, err))
		return
	}
	rec.Response.setBody(body)
	if retried(res.StatusCode) {
		x.failed(w, c, release, begin, rec, res.Header)
		return
	}
	if err := x.store(c, rec); err != nil {
		x.lost(w, c, release, begin, err)
		return
	}
	if begin() {
		x.s.give(w, &rec.Response)
	}
}

// send sends the request on, with its keys.
func (x *exchange) send(ctx context.Context) (*http.Response, error) {
	to := *x.to.base
	to.RawQuery, to.Fragment, to.User = x.in.URL.RawQuery, "", nil
	escaped := x.to.path() + x.path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, err
	}
	to.Path, to.RawPath = path, escaped
	out, err := http.NewRequestWithContext(ctx, x.in.Method, to.String(), bytes.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	out.Header = x.in.Header.Clone()
	for _, name := range append(strings.Split(x.in.Header.Get("Connection"), ","), "Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Accept-Encoding", "Content-Length") {
		out.Header.Del(strings.TrimSpace(name))
	}
	if user := x.to.base.User; user != nil && out.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		out.SetBasicAuth(user.Username(), password)
	}
	return x.s.client.Do(out)
}

// bare returns an error of a request without its address, which may hold a key.
func bare(err error) error {
	if u := new(url.Error); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// readAll reads an answer, unless it is too large.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(b) > maxBody {
		err = errTooLarge
	}
	return b, err
}

var errTooLarge = fmt.Errorf("it has more than %d MiB", maxBody>>20)

// kept returns the headers of an answer that are given to the command and stored.
// The others differ from time to time, or tell of the account.
func kept(all http.Header) map[string]string {
	some := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Request-Id", "X-Request-Id", "Openai-Model", "Openai-Version"} {
		if v := all.Get(name); v != "" {
			some[strings.ToLower(name)] = v
		}
	}
	return some
}

// store records an answer, unless a key is in it.
func (x *exchange) store(c *call, rec *Recording) error {
	if x.holdsKey(rec) {
		err := fmt.Errorf("%s is not recorded: the key is in the prompt or in the answer", c.request)
		x.s.fail(err)
		return err
	}
	if err := x.s.record(c, rec); err != nil {
		x.s.fail(err)
		return err
	}
	x.s.finish(c, c.rec, true, "", nil)
	return nil
}

func (x *exchange) holdsKey(rec *Recording) bool {
	text := rec.Encode()
	return slices.ContainsFunc(x.keys(), func(key string) bool { return bytes.Contains(text, []byte(key)) })
}

// shortest is the length from which on a text is taken for a key: what is shorter
// may be in any answer.
const shortest = 8

// keys returns what must not be stored of the request.
func (x *exchange) keys() []string {
	var keys []string
	add := func(key string) {
		if len(key) >= shortest {
			keys = append(keys, key)
		}
	}
	for name, values := range x.in.Header {
		n := strings.ToLower(name)
		if n != "cookie" && n != "authorization" && !strings.HasSuffix(n, "-key") && !strings.HasSuffix(n, "token") && !strings.HasSuffix(n, "secret") {
			continue
		}
		for _, v := range values {
			add(v)
			scheme, rest, _ := strings.Cut(v, " ")
			add(strings.TrimSpace(rest))
			if plain, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "Basic") {
				_, password, _ := strings.Cut(string(plain), ":")
				add(password)
			}
		}
	}
	for name, values := range x.in.URL.Query() {
		if isSecret(name) {
			for _, v := range values {
				add(v)
			}
		}
	}
	if user := x.to.base.User; user != nil {
		password, _ := user.Password()
		add(password)
	}
	return keys
}

// stream hands an answer on as it comes.
func (x *exchange) stream(w http.ResponseWriter, c *call, release func(), begin func() bool, rec *Recording, from io.Reader) {
	var body []byte
	listening := true // whether the command still listens
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if len(body)+n > maxBody {
			n, err = 0, errTooLarge
		}
		if n > 0 && len(body) == 0 {
			if listening = begin(); listening {
				writeHead(w, &rec.Response)
			}
		}
		body = append(body, buf[:n]...)
		if n > 0 && listening {
			_, writeErr := w.Write(buf[:n])
			listening = writeErr == nil && http.NewResponseController(w).Flush() == nil
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			x.s.finish(c, nil, false, fmt.Sprintf("its answer broke off (%v)", err), nil)
			release()
			panic(http.ErrAbortHandler) // so that the client sees that it broke off
		}
	}
	rec.Response.setBody(body)
	if reason := errorIn(&rec.Response); reason != "" {
		x.s.finish(c, nil, false, reason, nil)
		release()
		return
	}
	if err := x.store(c, rec); err != nil {
		x.s.finish(c, nil, false, err.Error(), nil)
	}
	if len(body) == 0 && begin() {
		writeHead(w, &rec.Response)
	}
}

func writeHead(w http.ResponseWriter, r *Response) {
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.Status)
}

// errorIn returns the error in a stream that began well; "" if there is none.
func errorIn(r *Response) string {
	for _, e := range r.Events {
		data := e.Data
		if e.Event != "error" && !bytes.HasPrefix(data, []byte(`{"error":{`)) {
			continue
		}
		var at struct {
			Error struct {
				Type    string `json:"type"`
				Message string `json:"message"`
			} `json:"error"`
		}
		_ = json.Unmarshal(data, &at) // without a reason it is an error all the same
		return strings.TrimSpace("its stream ended with an error: " + at.Error.Type + " " + at.Error.Message)
	}
	return ""
}

// failed hands on an error that is no answer to the request.
func (x *exchange) failed(w http.ResponseWriter, c *call, release func(), begin func() bool, rec *Recording, all http.Header) {
	reason := fmt.Sprintf("%s answered %d %s", x.to.base.Host, rec.Response.Status, http.StatusText(rec.Response.Status))
	last := rec
	if ofAccount(rec.Response.Status) || x.holdsKey(rec) {
		last = nil
	}
	x.s.finish(c, nil, false, reason, last)
	release()
	if !begin() {
		return
	}
	body, err := rec.Response.Body()
	if err != nil {
		x.s.fail(err)
	}
	for _, name := range []string{"Retry-After", "Retry-After-Ms", "X-Should-Retry"} {
		if v := all.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	writeHead(w, &rec.Response)
	_, _ = w.Write(body) // the client may be gone
}

// lost answers where there is no answer of the provider.
func (x *exchange) lost(w http.ResponseWriter, c *call, release func(), begin func() bool, err error) {
	x.s.finish(c, nil, false, err.Error(), nil)
	release()
	if begin() {
		unreachable(w, x.to.provider, err)
	}
}

func newStored(rec *Recording, text []byte) *stored { return &stored{rec, hash.Bytes(text)} }
