"""A site with many certificates of which none is due."""
import os
import re
import shutil

from .case import read


def make_idle(site, count):
    """Copies the certificate c0 of the site to c1 ... c(count - 1): the same names, other certificates.

    Their state files are made by acmec itself, in the first renew that follows."""
    text = read(site.config, "certs/c0.conf")
    for number in range(1, count):
        name = f"c{number}"
        shutil.copytree(os.path.join(site.config, "archive/c0"), os.path.join(site.config, "archive", name))
        os.symlink(f"../archive/{name}/1", os.path.join(site.config, "live", name))
        with open(os.path.join(site.config, f"certs/{name}.conf"), "w", encoding="utf-8") as conf:
            conf.write(re.sub(r"^name = c0$", f"name = {name}", text, flags=re.MULTILINE))
