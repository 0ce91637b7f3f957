/*
 * store_recording: a completion as a line of a recording, which is a store as JSON Lines:
 *
 *     {"key":"64 digits","request":{...},"wire":{...},"completion":{...},"created":1700000000000}
 *
 * Nothing is kept; the JSON reader is the caller's, to be used again.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_RECORDING_H
#define FELLOWSHIP_ENGINE_STORE_RECORDING_H

#include "base/buf.h"
#include "base/json.h"
#include "engine/store/scan.h"

enum recording_end { RECORDING_DONE, RECORDING_NO_JSON, RECORDING_NO_MEMORY };

/* Appends a completion as a line. Its texts go in as they are, without white space; when one of
 * them is no JSON, nothing does. */
enum recording_end store_recording_write(buf *out, json_reader *reader, const store_record *record);

/* Reads such a line (without its end). False when it is not exactly what is written above: then it
 * may still be a recording that another program has written anew. The texts are parts of the line;
 * the key is that of the request. */
bool store_recording_read(json_reader *reader, const char *line, size_t len,
                          unsigned char key[STORE_KEY], store_record *record);

#endif
