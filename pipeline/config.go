package pipeline

// Config is what xt.toml says apart from its stages.
type Config struct {
	Name    string                    // of the project; "" if not given
	Seed    Seed                      // what a stage starts from unless it says otherwise
	Python  *Python                   // nil: the stages find their own interpreter
	Params  map[string]any            // the values of [params], overrides applied
	Files   map[string]map[string]any // what params files say that share the names of [params], by path; overrides applied
	Remotes map[string]Remote         // by name
	Cache   CacheConfig
	Check   Policy
	Attest  Attest
	LLM     LLM
	Sweeps  map[string]Sweep // by name
	Models  map[string]Model // by name, without a directory
	Plots   []PlotSet        // in the order of the file
	Slurm   Slurm
}

// Python is the environment that xt builds for the stages.
type Python struct {
	Requirements string // path of the requirements file
	Version      string // "3.11"; "": whatever is there
	Pos          Position
}

// Remote is a store for what the cache holds.
type Remote struct {
	URL        string
	Recipients []string // age public keys to which all that is sent is encrypted; nil: it is not
	Default    bool     // the one that is meant where none is named
	Pos        Position
}

// CacheConfig says where the cache is and how files get from it to the
// workspace.
type CacheConfig struct {
	Dir    string   // "": .xt/cache
	Links  []string // "reflink", "copy", "hardlink", "symlink", the preferred first; nil: the default
	Shared bool     // written by more than one user
}

// Attest says where evidence of executions and verifications is kept.
type Attest struct {
	Dir     string // of the attestations
	Signers string // the file of the keys that are trusted
}

var defaultAttest = Attest{Dir: "attestations", Signers: "attestations/allowed_signers"}
