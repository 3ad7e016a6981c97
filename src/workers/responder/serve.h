/* serve: acmec-responder: evhttp on the listeners that the keeper bound, and the conversation with
 * the keeper. It answers GET and HEAD for its tokens and 404 to all else, reflects nothing, and
 * ends when the keeper goes. */
#ifndef ACMEC_RESPONDER_SERVE_H
#define ACMEC_RESPONDER_SERVE_H

/* fd: the keeper; the listeners are the descriptors after it. Returns the exit code. */
int serve(int fd);

#endif
