"""nginx as a plain keep-alive reverse proxy: near the limit for a process that relays and does nothing else."""

import shutil
import subprocess

from tests.bench.gateway import Described, Place

_CONFIG = """\
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log {work}/access.log; keepalive_requests 10000000;
  client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
  uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  upstream up {{ server {upstream}; keepalive 512; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


def describe(place: Place) -> Described:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        raise FileNotFoundError("nginx is not installed; see peers.sh")
    config = place.work / "nginx.conf"
    config.write_text(_CONFIG.format(work=place.work, upstream=place.upstream.removeprefix("http://"), port=place.port))
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return Described(
        version=told.strip().rpartition("/")[2],
        lacks="no keys, no limits, no ledger, reads no body; one worker, access log on, buffering off",
        argv=(nginx, "-c", str(config)),
        port=place.port,
    )
