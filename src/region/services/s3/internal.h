/* S3's inside: buckets and their settings in the store, versions of objects and uploads in tables
 * of their own, bytes in files. */
#pragma once

#include "region/authorise.h"
#include "region/call.h"
#include "region/services/s3/digest.h"
#include "region/services/s3/s3.h"

#define S3_BUCKETS "s3/bucket" /* id: name; in the scope of no account and region */
#define S3_SETTINGS "s3/setting" /* id: bucket, a line break, the setting's name; there too */
#define S3_EVERYWHERE ((StoreScope){"", ""})
#define S3_NULL_VERSION "null"
#define S3_LARGEST_PUT (G_GINT64_CONSTANT(5) << 30)
#define S3_MOST_PARTS 10000
#define S3_DEFAULT_TYPE "binary/octet-stream"

/* ---- errors, with AWS's sentences (error.c) ---- */

gboolean s3_fail(GError **error, const char *code); /* always FALSE */
gboolean s3_fail_about(GError **error, const char *code, const char *member, const char *text);
gboolean s3_fail_argument(GError **error, const char *message, const char *name, const char *value);
gboolean s3_fail_not_implemented(GError **error, const char *what);
gboolean s3_no_such_bucket(GError **error, const char *bucket);
gboolean s3_no_such_key(GError **error, const char *key);

/* ---- buckets (bucket.c) ---- */

/* The bucket, or VALUE_NOTHING: Name, Account, Region, CreationDate, Versioning, ObjectOwnership.
 */
Value s3_bucket(Region *region, const char *name);
/* The same or the error NoSuchBucket. */
Value s3_bucket_find(Region *region, const char *name, GError **error);
void s3_bucket_put(Region *region, Value bucket_taken);
/* A setting of a bucket as the API gives it, or VALUE_NOTHING (setting.c). */
Value s3_setting(Region *region, const char *bucket, const char *name);
void s3_setting_put(Region *region, const char *bucket, const char *name, Value setting_taken);
gboolean s3_setting_delete(Region *region, const char *bucket, const char *name);
void s3_settings_clear(Region *region, const char *bucket);

/* ---- the state in memory (table.c) ---- */

/* A statement ready to be bound, kept for the next time; `sql` must be a constant. */
sqlite3_stmt *s3_sql(Region *region, const char *sql);
void s3_bind_text(sqlite3_stmt *statement, int index, const char *text);
const char *s3_column(sqlite3_stmt *statement, int index); /* may be NULL */
/* Runs a statement that gives no rows. */
void s3_run(Region *region, sqlite3_stmt *statement);

/* ---- versions of objects (version.c) ---- */

typedef struct {
	gint64 row; /* 0: not kept yet */
	char *bucket, *key;
	char *id; /* "null", or AWS's 32 characters */
	gboolean latest;
	gboolean marker; /* a delete marker: nothing of what follows but the time */
	gint64 size;
	char *etag; /* without quotes */
	gint64 modified; /* microseconds since the epoch */
	char *file;
	/* Members of HeadObject's answer as they were given, and of our own: _Tags (object), _Acl
	 * (canned name or policy), _Parts (tuple of part sizes). */
	Value info;
} S3Version;

void s3_version_clear(S3Version *version);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(S3Version, s3_version_clear)
/* id NULL: the current one, be it a delete marker. FALSE: none. */
gboolean s3_version_get(
	Region *region, const char *bucket, const char *key, const char *id, S3Version *out);
/* The object that a call means: errors NoSuchKey, NoSuchVersion, MethodNotAllowed (of a marker). */
gboolean s3_version_find(Region *region, const char *bucket, const char *key, const char *id,
	S3Version *out, GError **error);
/* Makes it the current version: sets its row and id (a new one where the bucket has versions, else
 * "null", replacing that). Inside a transaction, like all that changes. */
void s3_version_add(Region *region, Value bucket, S3Version *version);
void s3_version_remove(Region *region, const S3Version *version);
void s3_version_update(Region *region, const S3Version *version); /* its info */
/* A row of `SELECT S3_VERSION_COLUMNS FROM s3_versions …`. */
#define S3_VERSION_COLUMNS "row, bucket, key, id, latest, marker, size, etag, modified, file, info"
void s3_version_read(sqlite3_stmt *statement, S3Version *out);
/* Deletes as DeleteObject does. *marker: the version that was made or removed is a delete marker;
 * *id: its id, caller frees. */
gboolean s3_version_delete(Region *region, Value bucket, const char *key, const char *id,
	gboolean *marker, char **made, GError **error);

/* ---- files (file.c), and small ones that are no files (small.c) ---- */

#define S3_LARGEST_SMALL (16 * 1024)

/* Bytes of at most that are kept in a table under an id of their own: with the version that needs
 * them, in its transaction, and so in one write to the disk. Caller frees the id; NULL: the disk's
 * error. */
char *s3_small_new(Region *region, const void *bytes, gsize length, GError **error);
gboolean s3_file_is_small(const char *id);
/* Before one is made: InsufficientStorage while the disk is nearly full. */
gboolean s3_small_has_room(Region *region, GError **error);
/* A descriptor of a copy in memory, at its beginning. */
int s3_small_open(Region *region, const char *id, GError **error);
void s3_small_delete(Region *region, const char *id); /* in a transaction */
void s3_small_sweep(Region *region); /* at the start: what no row needs */

gboolean s3_files_open(Region *region, GError **error);
/* A new file's id; its descriptor in *fd. Caller frees. What has a path is no small one. */
char *s3_file_new(Region *region, int *fd, GError **error);
char *s3_file_path(Region *region, const char *id);
int s3_file_open(Region *region, const char *id, GError **error);
/* Nothing that is kept needs it any more, perhaps: looks, soon, and deletes it if so. */
void s3_file_release(Region *region, const char *id);
/* In a thread: bytes and the folder's entry are on the disk when it returns. */
gboolean s3_file_sync(int fd, const char *path, GError **error);

/* ---- calls (door.c) ---- */

typedef struct S3LogEntry S3LogEntry;

/* One call of the S3 API, from its head on. */
typedef struct {
	RegionCaller caller;
	RegionCall call;
	WireRoute route;
	char *request_id;
	gboolean anonymous; /* not signed, and not the developer either */
	Value input;
	Value bucket; /* that it is about; VALUE_NOTHING: none */
	Value cors; /* headers for the browser, by the bucket's CORS rules; or VALUE_NOTHING */
	S3LogEntry *log; /* NULL: its bucket has no access log */
} S3Call;

/* Who asks, where the request's own signature does not tell. */
typedef struct {
	gboolean anyone; /* nobody in particular: a website's reader */
	gboolean form; /* a form's fields, not the request, are signed */
	const SigV4Claim *claim; /* a form's; NULL: it is not signed */
	const char *policy; /* what it signed, in Base64 */
} S3Asker;

/* Who, what, may they. The request must outlive it; asker NULL: who signed the request. On failure
 * the call is still good for s3_call_refuse; s3_call_clear in any case. */
gboolean s3_call_begin(S3Call *call, Region *region, const WireRequest *request,
	const S3Asker *asker, GError **error);
void s3_call_clear(S3Call *call);
/* The S3 call that an operation's is part of; not of one by region_call. */
S3Call *s3_call_of(RegionCall *call);
WireResponse *s3_call_answer(const S3Call *call, Value output);
WireResponse *s3_call_refuse(const S3Call *call, const GError *error);

/* Operations whose bodies are files, or that take their time: served by functions of their own. */
typedef WireResponse *(*S3Serve)(Region *region, S3Call *call, HttpReply *reply);
WireResponse *s3_serve_get(Region *region, S3Call *call, HttpReply *reply); /* and HEAD; get.c */
WireResponse *s3_serve_complete(Region *region, S3Call *call, HttpReply *reply); /* complete.c */
WireResponse *s3_serve_part_copy(Region *region, S3Call *call, HttpReply *reply); /* copy.c */
/* PutObject and UploadPart (put.c). Takes what is in the call. */
HttpSink *s3_put_open(
	Region *region, S3Call *call, const WireRequest *request, WireResponse **refusal);
WireResponse *s3_put_finish(Region *region, HttpSink *sink, HttpReply *reply);
GPtrArray *s3_put_queue_new(void); /* S3State.ready */
/* Lets a function of the caller's make the answer of a put that went well, out of the operation's
 * output. */
typedef WireResponse *(*S3PutAnswer)(const S3Call *call, Value output, gpointer data);
void s3_put_answer_by(HttpSink *sink, S3PutAnswer answer, gpointer data);

/* A form that a browser sends (post.c): whether a request is one; its sink, and its end. */
gboolean s3_is_form(const WireRequest *request);
HttpSink *s3_post_open(Region *region, const WireRequest *request);
WireResponse *s3_post_finish(Region *region, HttpSink *sink, HttpReply *reply);
/* Whether a form's fields (names in lower case -> text, "bucket" too) are as its policy wants;
 * *least and *most bytes of the file (post_policy.c). */
gboolean s3_post_policy_check(Region *region, const char *policy, GHashTable *fields, gint64 *least,
	gint64 *most, GError **error);

/* Cross-origin requests (cors.c): the headers that a bucket's rules give to a page of `origin`, who
 * calls by `method`; `wanted`: the headers that a preflight asks for, or NULL. VALUE_NOTHING: no
 * rule matches. The caller owns it. */
Value s3_cors_headers(Region *region, const char *bucket, const char *origin, const char *method,
	const char *wanted);
void s3_cors_dress(WireResponse *response, Value headers);
gboolean s3_cors_refuse(GError **error, Value rules); /* always FALSE; rules null: there are none */
WireResponse *s3_serve_preflight(Region *region, const WireRequest *request);
/* PutBucketCors's configuration. */
gboolean s3_cors_check(Value configuration, GError **error);

/* Websites (website.c), by their own host names: reads of everyone's. */
gboolean s3_is_website(const WireRequest *request);
WireResponse *s3_serve_website(Region *region, const WireRequest *request, HttpReply *reply);
/* PutBucketWebsite's configuration. */
gboolean s3_website_check(Value configuration, GError **error);

/* May the call, by the policies of its caller and of the bucket? (access.c) */
gboolean s3_permit(const S3Call *call, const char *action, const char *key, GError **error);
gboolean s3_permit_call(const S3Call *call, GError **error);

/* ---- ACLs (acl.c) ---- */

/* The canonical user id of an account: 64 hexadecimal digits, as S3 names owners and grantees.
 * Caller frees. */
char *s3_canonical_id(const char *account);
/* The Owner of a bucket and of what is in it: {ID}. */
Value s3_owner_of(Value bucket);

/* The ACL that a call asks for, canned, by headers or by body: for the setting "acl", or _Acl of an
 * info. VALUE_NOTHING: none, or an error (AccessControlListNotSupported, AccessDenied where public
 * ones are blocked). */
Value s3_acl_of_input(Region *region, Value bucket, Value input, GError **error);
/* Whether the log delivery group may write into it. */
gboolean s3_acl_delivers_logs(Region *region, Value bucket);
/* Whether the bucket's ACL or the object's lets others do the action; account "": without a
 * signature. */
gboolean s3_acl_allows(Region *region, Value bucket, const char *action, const char *key,
	const char *version_id, const char *account);

/* ---- objects' properties (info.c) ---- */

/* What PutObject, CopyObject and CreateMultipartUpload say of an object: checked, with the bucket's
 * encryption; for S3Version.info. */
Value s3_info_of_input(const RegionCall *call, Value bucket, Value input, GError **error);
/* "a=1&b=2" as x-amz-tagging has it, checked. */
Value s3_tags_of_header(const char *text, GError **error);
gboolean s3_tags_check(Value tags, guint most, GError **error);
/* [{Key, Value}] → object, checked: no key twice. */
Value s3_tags_of_list(Value list, guint most, GError **error);
/* Encryption members of an answer out of an info. */
void s3_info_encryption(ValueBuilder *output, Value info);
/* Checksum members, and their type. */
void s3_info_checksums(ValueBuilder *output, Value info);
/* The version member, where the bucket has or had versions. */
void s3_add_version_id(ValueBuilder *output, Value bucket, const char *id);
char *s3_quoted(const char *etag);
gboolean s3_key_check(const char *key, GError **error); /* KeyTooLongError */

/* ---- archives (archive.c) ---- */

/* GLACIER and DEEP_ARCHIVE, whose objects are restored before they are read. */
gboolean s3_class_is_archive(const char *class);
/* May its bytes be read now? Else InvalidObjectState. */
gboolean s3_archive_check(Region *region, const S3Version *version, GError **error);
/* The Restore member of an answer, if the version was restored. */
void s3_archive_describe(Region *region, const S3Version *version, ValueBuilder *output);

/* ---- conditions (condition.c) ---- */

/* If-Match and its like: FALSE with PreconditionFailed, or NotModified (304). The members are the
 * input's, with a prefix ("CopySource" or ""). */
gboolean s3_condition_check(
	Value input, const char *prefix, const S3Version *version, GError **error);
/* Of writes: If-None-Match: *, If-Match on what is there now. */
gboolean s3_condition_check_write(
	Region *region, const char *bucket, const char *key, Value input, GError **error);

/* ---- uploads in parts (multipart.c) ---- */

typedef struct {
	char *id, *bucket, *key;
	gint64 initiated;
	char *file; /* where parts of the usual size have their places; or NULL */
	gint64 slot; /* that size; 0: not known yet */
	Value info;
} S3Upload;
typedef struct {
	guint number;
	char *file;
	gint64 offset, size;
	char *etag;
	gint64 modified;
	Value checksums;
} S3Part;
void s3_upload_clear(S3Upload *upload);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(S3Upload, s3_upload_clear)
void s3_part_clear(S3Part *part);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(S3Part, s3_part_clear)
gboolean s3_upload_find(Region *region, const char *bucket, const char *key, const char *id,
	S3Upload *out, GError **error);
void s3_upload_set_slots(Region *region, const S3Upload *upload); /* in a transaction */
gboolean s3_part_get(Region *region, const char *upload, guint number, S3Part *out);
void s3_part_put(Region *region, const char *upload, const S3Part *part);
void s3_upload_remove(Region *region, const S3Upload *upload);

/* ---- access logs (log.c) ---- */

/* A call's line in the access log of its bucket: begun when the bucket is known, told the answer
 * (perhaps again) and the object's size, and ended when the call is cleared: a call that was not
 * answered has no line. */
void s3_log_begin(S3Call *call, const WireRequest *request, const S3Asker *asker);
void s3_log_answer(const S3Call *call, const WireResponse *response, const char *code);
void s3_log_size(const S3Call *call, gint64 size);
void s3_log_end(S3Call *call);
void s3_log_free(S3LogEntry *entry);
void s3_log_start(Region *region);
/* PutBucketLogging's configuration. */
gboolean s3_log_check(Region *region, const char *bucket, Value status, GError **error);

/* ---- the rest ---- */

extern const RegionOperation s3_bucket_operations[], s3_setting_operations[],
	s3_object_operations[], s3_list_operations[], s3_multipart_operations[],
	s3_copy_operations[], s3_archive_operations[], s3_acl_operations[];
/* Tells after the open transaction was committed. */
void s3_tell_later(Region *region, const char *event, const S3Version *version);
void s3_lifecycle_start(Region *region);
