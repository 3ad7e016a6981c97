/* path: paths as text. Pure. */
#ifndef ACMEC_DATA_PATH_H
#define ACMEC_DATA_PATH_H

/* The path below folder where it is relative, without leading "./" and slashes at its end; owned.
 * NULL: it is relative, and folder NULL. */
char *path_absolute(const char *path, const char *folder);

#endif
