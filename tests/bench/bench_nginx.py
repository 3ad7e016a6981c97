"""nginx which, parse and install, 1,000 and 10,000 sites in one file each, against nginx -t in the same run."""
import os
import re
import subprocess
import time

import timing
import bed

LIMIT = 1.0  # of nginx -t
PLAN_LIMIT = 1.0  # of nginx -t: install --diff without the one nginx -t that judges it
INSTALL_LIMIT, INSTALL_MORE = 6.0, 1.0  # of nginx -t, and seconds: a whole install
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
    @classmethod
    def setUpClass(cls):
        """One certificate for the site in the middle of either tree."""
        super().setUpClass()
        cls.issued = bed.Site(os.path.join(cls.folder, "issued"))
        pebble = cls.start_pebble()
        for count in (1000, 10000):
            done = cls.issued.run("issue", "-d", f"site{count // 2}.example", "-d", f"www.site{count // 2}.example",
                                  *cls.ca(pebble), *cls.standalone(pebble))
            if done.code:
                raise RuntimeError(str(done))
            # The sites listen on 80, not where Pebble looks.
            conf = os.path.join(cls.issued.config, "certs", f"site{count // 2}.example.conf")
            lines = [line for line in bed.read(conf).splitlines(True) if not line.startswith("http-port")]
            with open(conf, "w", encoding="utf-8") as text:
                text.writelines(lines)

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

    @staticmethod
    def watch_memory(*command):
        """MB at most of the program alone: nginx -t, its child, takes more than it."""
        peak = 0
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as status:
                    found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
                peak = max(peak, int(found[1]) if found else 0)
                time.sleep(0.005)
        return peak / 1024

    def check_install(self, count):
        """Seconds of the planning. nginx does not run: what is measured is no reload and no handshake."""
        main = os.path.join(self.folder, str(count), "nginx.conf")
        name = f"site{count // 2}.example"
        words = [name, "--nginx", "--nginx-conf", main]
        install = self.issued.command("install", *words)
        undo = self.issued.command("uninstall", *words)
        environment = self.issued.environment()

        def whole():
            spent = timing.seconds(install, env=environment)
            timing.seconds(undo, env=environment)
            return spent
        theirs, diff, ours = timing.medians(
            5, lambda: timing.seconds(["nginx", "-t", "-q", "-p", os.path.dirname(main), "-c", main]),
            lambda: timing.seconds([*install, "--diff"], env=environment), whole)
        print(f"{count} sites: nginx -t {theirs * 1000:.1f} ms, install --diff {diff * 1000:.1f} ms, "
              f"install {ours * 1000:.1f} ms (medians)")
        self.assertTrue(timing.verdict(f"planning an install, {count} sites, against nginx -t",
                                       (diff - theirs) / theirs, PLAN_LIMIT))
        self.assertTrue(timing.verdict(f"install, {count} sites, against nginx -t and a second",
                                       ours / (INSTALL_LIMIT * theirs + INSTALL_MORE), 1.0))
        memory = self.watch_memory(*install, "--diff")
        self.assertTrue(timing.verdict(f"memory of install --diff, {count} sites, MB", memory, MEMORY_LIMIT))
        return ours

    def test_sites(self):
        small = self.check(1000)
        large = self.check(10000)
        self.assertTrue(timing.verdict("growth from 1,000 to 10,000 sites", large / small, 15))
        self.check_install(1000)
        self.check_install(10000)
        memory = self.site.peak_memory(*self.which) / (1 << 20)
        self.assertTrue(timing.verdict("memory of which, 10,000 sites, MB", memory, MEMORY_LIMIT))


if __name__ == "__main__":
    bed.main()
