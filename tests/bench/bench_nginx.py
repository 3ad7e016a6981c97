"""nginx which and nginx parse, 1,000 and 10,000 sites in one file each, against nginx -t in the same run."""
import os

import timing
import bed

LIMIT = 1.0  # of nginx -t
MEMORY_LIMIT = 64  # MB of which at 10,000 sites

SITE = """# site {0}
server {{
    listen 80;
    listen [::]:80;
    server_name site{0}.example www.site{0}.example;
    root /srv/www/site{0};
    index index.html index.htm;
    access_log off;

    location = /favicon.ico {{ access_log off; log_not_found off; }}
    location /static {{
        alias /srv/www/site{0}/static;
        expires 30d;
    }}
    location / {{
        include proxy_params;
        proxy_pass http://127.0.0.1:8000;
        proxy_buffers 4 256k;
    }}
}}
"""


def make_sites(folder, count):
    """A main file with `count` sites; returns its path."""
    os.makedirs(os.path.join(folder, "sites-enabled"))
    for number in range(count):
        with open(os.path.join(folder, "sites-enabled", f"site{number}"), "w", encoding="ascii") as out:
            out.write(SITE.format(number))
    with open(os.path.join(folder, "proxy_params"), "w", encoding="ascii") as out:
        out.write("proxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-Proto $scheme;\n")
    main = os.path.join(folder, "nginx.conf")
    with open(main, "w", encoding="ascii") as out:
        out.write("events {}\npid nginx.pid;\nhttp {\n    server_names_hash_max_size 65536;\n"
                  "    server_names_hash_bucket_size 128;\n    include sites-enabled/*;\n}\n")
    return main


class Nginx(bed.Case):
    def check(self, count):
        """Seconds of nginx -t and of `which`."""
        main = make_sites(os.path.join(self.folder, str(count)), count)
        which = ["nginx", "which", f"www.site{count // 2}.example", "--nginx-conf", main]
        answers = self.acmec(*which).json["answers"]
        self.assertEqual([(row["by"], row["line"]) for row in answers], [("exact", 2), ("exact", 2)])
        test = ["nginx", "-t", "-q", "-p", os.path.dirname(main), "-c", main]
        environment = self.site.environment()
        theirs, ours, parse = timing.medians(
            5, lambda: timing.seconds(test),
            lambda: timing.seconds(self.site.command(*which), env=environment),
            lambda: timing.seconds(self.site.command("nginx", "parse", main), env=environment))
        print(f"{count} sites: nginx -t {theirs * 1000:.1f} ms, which {ours * 1000:.1f} ms, "
              f"parse {parse * 1000:.1f} ms (medians)")
        self.assertTrue(timing.verdict(f"nginx which, {count} sites, against nginx -t", ours / theirs, LIMIT))
        self.which = which
        return ours

    def test_sites(self):
        small = self.check(1000)
        large = self.check(10000)
        self.assertTrue(timing.verdict("growth from 1,000 to 10,000 sites", large / small, 15))
        memory = self.site.peak_memory(*self.which) / (1 << 20)
        self.assertTrue(timing.verdict("memory of which, 10,000 sites, MB", memory, MEMORY_LIMIT))


if __name__ == "__main__":
    bed.main()
