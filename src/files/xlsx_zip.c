#include "files/xlsx_zip.h"

#include <stdio.h>
#include <string.h>
#include <unzip.h>

/* A part may unpack to RATIO_MAX times its packed size once it is larger than RATIO_FROM: real sheets stay
 * below 100. */
enum { RATIO_MAX = 300, RATIO_FROM = 64 << 20, FEED = 1 << 16, DEPTH_MAX = 64, QUIET_MAX = 4 << 20 };

struct zip {
    struct source *src;
    int64_t pos; /* minizip's file position */
    bool broken; /* a read failed or ended early */
    unzFile file;
    bool entered;
    int64_t size, packed, read; /* of the part */
    int64_t left;               /* of max_bytes */
};

/* ---- minizip over a source */

static voidpf io_open(voidpf opaque, const void *name, int mode) {
    (void)name;
    return mode & ZLIB_FILEFUNC_MODE_WRITE ? NULL : opaque;
}

static uLong io_read(voidpf opaque, voidpf stream, void *out, uLong n) {
    struct zip *z = stream;
    int64_t k = source_at(z->src, z->pos, out, n);
    if (k < 0) {
        z->broken = true;
        return 0;
    }
    z->pos += k;
    return (uLong)k;
}

static ZPOS64_T io_tell(voidpf opaque, voidpf stream) {
    return (ZPOS64_T)((struct zip *)stream)->pos;
}

static long io_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
    struct zip *z = stream;
    int64_t from = origin == ZLIB_FILEFUNC_SEEK_CUR   ? z->pos
                   : origin == ZLIB_FILEFUNC_SEEK_END ? source_total(z->src)
                                                      : 0;
    if (offset > INT64_MAX / 2) return -1;
    z->pos = from + (int64_t)offset;
    return 0;
}

static int io_close(voidpf opaque, voidpf stream) {
    return 0;
}

static int io_error(voidpf opaque, voidpf stream) {
    return ((struct zip *)stream)->broken;
}

static uLong io_write(voidpf opaque, voidpf stream, const void *bytes, uLong n) {
    return 0;
}

int zip_open(struct source *src, int64_t max_bytes, struct zip **ret, struct error *err) {
    char probe;
    if (source_at(src, 0, &probe, 1) < 0)
        return error_set(err, E_UNSUPPORTED, NULL, "a workbook cannot be read from a pipe: give the file");
    struct zip *z = mem_alloc(sizeof *z);
    if (!z) return error_memory(err);
    z->src = src;
    z->left = max_bytes;
    zlib_filefunc64_def io = {io_open, io_read, io_write, io_tell, io_seek, io_close, io_error, z};
    z->file = unzOpen2_64("", &io);
    if (!z->file) {
        mem_free(z);
        return error_set(err, E_SYNTAX, NULL,
                         "the workbook is cut off or damaged: its list of parts is missing");
    }
    *ret = z;
    return 0;
}

static void zip_leave(struct zip *z) {
    if (z->entered) unzCloseCurrentFile(z->file);
    z->entered = false;
}

void zip_close(struct zip *z) {
    if (!z) return;
    zip_leave(z);
    unzClose(z->file);
    mem_free(z);
}

int zip_enter(struct zip *z, const char *name, struct error *err) {
    unz_file_info64 info;
    zip_leave(z);
    if (unzLocateFile(z->file, name, 2) != UNZ_OK) return 0;
    if (unzGetCurrentFileInfo64(z->file, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK)
        return error_set(err, E_SYNTAX, name, "the part's entry is damaged");
    if (info.flag & 1)
        return error_set(err, E_UNSUPPORTED, name, "the workbook has a password: save it without one");
    if (info.compression_method != 0 && info.compression_method != Z_DEFLATED)
        return error_set(err, E_UNSUPPORTED, name,
                         "the part is packed by a method that workbooks do not use");
    if (info.uncompressed_size > (ZPOS64_T)z->left)
        return error_set(err, E_TOO_LARGE, name, "the part unpacks to %llu bytes, more than allowed",
                         (unsigned long long)info.uncompressed_size);
    if (unzOpenCurrentFile(z->file) != UNZ_OK) return error_set(err, E_SYNTAX, name, "the part is damaged");
    z->entered = true;
    z->size = (int64_t)info.uncompressed_size;
    z->packed = (int64_t)info.compressed_size;
    z->read = 0;
    return 1;
}

int64_t zip_size(const struct zip *z) {
    return z->size;
}

int64_t zip_read(struct zip *z, void *out, size_t n, struct error *err) {
    if (!z->entered) return 0;
    int k = unzReadCurrentFile(z->file, out, (unsigned)n);
    if (k < 0) return error_set(err, E_SYNTAX, NULL, "a part of the workbook is damaged");
    if (k == 0) {
        z->entered = false;
        if (unzCloseCurrentFile(z->file) != UNZ_OK || z->read != z->size)
            return error_set(err, E_SYNTAX, NULL, "a part of the workbook is damaged: its checksum is wrong");
        return 0;
    }
    z->read += k;
    z->left -= k;
    if (z->left < 0) return error_set(err, E_TOO_LARGE, NULL, "the workbook unpacks to more than allowed");
    if (z->read > RATIO_FROM && z->read / RATIO_MAX > z->packed)
        return error_set(err, E_TOO_LARGE, NULL, "a part unpacks to more than %d times its size: a zip bomb",
                         RATIO_MAX);
    return k;
}

/* ---- expat */

static void *xml_alloc(size_t n) {
    return mem_realloc(NULL, n);
}

static const char *local(const char *name) {
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

const char *xml_att(const char **atts, const char *name) {
    for (; *atts; atts += 2)
        if (strcmp(local(atts[0]), name) == 0) return atts[1];
    return NULL;
}

void xml_fail(struct xml *x, int code, const char *message) {
    if (x->rc) return;
    x->rc = error_set(x->err, code, NULL, "%s", message);
    XML_StopParser(x->parser, XML_FALSE);
}

static void on_start(void *user, const char *name, const char **atts) {
    struct xml *x = user;
    x->quiet = 0;
    if (x->rc) return;
    if (++x->depth > DEPTH_MAX) {
        xml_fail(x, E_SYNTAX, "the XML is nested deeper than any workbook's");
        return;
    }
    if (x->start) x->start(x, local(name), atts);
}

static void on_end(void *user, const char *name) {
    struct xml *x = user;
    x->quiet = 0;
    x->depth--;
    if (!x->rc && x->end) x->end(x, local(name));
}

static void on_text(void *user, const char *s, int n) {
    struct xml *x = user;
    x->quiet = 0;
    if (!x->rc && x->text) x->text(x, s, n);
}

static void on_doctype(void *user, const char *name, const char *system_id, const char *public_id,
                       int internal) {
    xml_fail(user, E_SYNTAX, "the XML declares a DOCTYPE: entities are refused");
}

int xml_init(struct xml *x, struct error *err) {
    static const XML_Memory_Handling_Suite memory = {xml_alloc, mem_realloc, mem_free};
    x->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!x->parser) return error_memory(err);
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    return 0;
}

void xml_clear(struct xml *x) {
    if (x->parser) XML_ParserFree(x->parser);
    x->parser = NULL;
}

int xml_feed(struct xml *x, struct zip *z, const char *part, struct error *err) {
    void *room = XML_GetBuffer(x->parser, FEED);
    if (!room) return error_set(err, E_MEMORY, part, "out of memory");
    int64_t k = zip_read(z, room, FEED, err);
    if (k < 0) {
        error_within(err, part);
        return (int)k;
    }
    x->quiet += (size_t)k;
    if (x->quiet > QUIET_MAX)
        return error_set(err, E_TOO_LARGE, part, "a single tag is larger than %d bytes", QUIET_MAX);
    x->err = err;
    if (XML_ParseBuffer(x->parser, (int)k, k == 0) != XML_STATUS_OK || x->rc) {
        if (x->rc) {
            error_within(err, part);
            return x->rc;
        }
        enum XML_Error code = XML_GetErrorCode(x->parser);
        char where[ERROR_WHERE_MAX];
        snprintf(where, sizeof where, "%.100s:%lu", part, (unsigned long)XML_GetCurrentLineNumber(x->parser));
        return error_set(err, code == XML_ERROR_NO_MEMORY ? E_MEMORY : E_SYNTAX, where,
                         "the XML is damaged: %s", XML_ErrorString(code));
    }
    return k > 0;
}
