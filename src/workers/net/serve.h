/* serve: acmec-net's conversation with the keeper: frames in, transfers, frames out, until the
 * keeper goes. The keeper is not trusted either: a broken frame ends the process. */
#ifndef ACMEC_NET_SERVE_H
#define ACMEC_NET_SERVE_H

/* Serves the socket fd (non-blocking from here on). Returns the exit code: 0 when the keeper
 * closed. */
int serve(int fd);

#endif
