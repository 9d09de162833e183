// Package mlflow is a placeholder.
package mlflow

import (
	"net/http"

	"github.com/xtrepro/xt/track"
)

type Options struct{ Registry track.Registry }

func New(s track.Store, o Options) http.Handler { return http.NotFoundHandler() }
