/* doors/http: what the handlers of jobs share: a job as an answer, a file of a job as a download, an upload as it comes. */
#ifndef TOCSIN_DOORS_HTTP_JOBS_H
#define TOCSIN_DOORS_HTTP_JOBS_H

#include "desks/job/job.h"
#include "doors/http/request.h"

struct jobs *http_jobs(struct http_server *s);

/* The job as it is now, with Retry-After while it is at work. status: 200, or 202 with Location for one that was just asked for. */
int jobs_answer(struct request *r, int status, const char *kind, const char *id, struct error *err);
/* Makes a job of a kind with these parameters (given) and asks for a step: 202. */
int jobs_begin(struct request *r, const char *kind, const char *step, json_t *params, struct error *err);
/* Asks for a step of the job of the path ({id}): 202. */
int jobs_step(struct request *r, const char *kind, const char *step, json_t *params, struct error *err);
/* The job of the path as a stream of events until it is at work no more. */
int jobs_events(struct request *r, const char *kind, struct error *err);
/* {id} of the path as text. */
const char *jobs_id(struct request *r);
/* A file on disk as the answer, streamed. type: Content-Type; name: to save it under, UTF-8. */
int file_answer(struct request *r, const char *path, const char *type, const char *name, struct error *err);

/* Of routes with BODY_STREAM, called by the server: a raw body or one file of a multipart/form-data form, into the spool. What upload_begin leaves in
 * r->answer.end and .arg is let go when the client goes away in between. */
int upload_begin(struct request *r, struct error *err);
int upload_piece(struct request *r, const char *bytes, size_t n, struct error *err);
/* The whole has come: an import whose look is asked for. */
int upload_end(struct request *r, char ret_id[JOB_ID_BYTES], struct error *err);

#endif
