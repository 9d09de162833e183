import sys
sys.path[:] = [p for p in sys.path if p]  # not the directory it happens to run in
import json, os, site

version = sys.version.split()[0] + getattr(sys, "abiflags", "")
if sys.implementation.name == "pypy":
    version += " (%d.%d.%d)" % sys.pypy_version_info[:3]
sites = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages") or p.endswith(".egg")]
late = getattr(site, "getsitepackages", list)()
if site.ENABLE_USER_SITE:
    late = late + [site.getusersitepackages()]
sites += [p for p in late if p not in sites]
print("xt" + json.dumps({
    "executable": sys.executable,
    "python": sys.implementation.name + " " + version,
    "sites": sites,
}))
