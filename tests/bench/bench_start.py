"""acmec --version against an empty C program that has mbedTLS and jansson linked: at most twice its time."""
import os
import subprocess

import timing
import bed

LIMIT, RUNS = 2.0, 200


class Start(bed.Case):
    def test_start(self):
        empty = os.path.join(self.folder, "empty")
        subprocess.run(["cc", "-O2", "-x", "c", "-", "-o", empty, "-Wl,--no-as-needed", "-lmbedtls",
                        "-lmbedx509", "-lmbedcrypto", "-ljansson"],
                       input="int main(void) { return 0; }", text=True, check=True)
        ours, other = timing.medians(RUNS, lambda: timing.seconds([bed.ACMEC, "--version"]),
                                     lambda: timing.seconds([empty]))
        print(f"acmec --version {ours * 1000:.2f} ms, an empty program {other * 1000:.2f} ms (medians)")
        self.assertTrue(timing.verdict("start, against an empty program", ours / other, LIMIT))


if __name__ == "__main__":
    bed.main()
