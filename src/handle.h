// Handles: what callers hold instead of pointers. A number is the place in a table and a
// generation, so a handle of something destroyed is known for what it is.
#ifndef UNROLLED_HANDLE_H
#define UNROLLED_HANDLE_H

#include "base.h"

typedef enum {
    HANDLE_NONE = -1, // of a number that is nobody's
    HANDLE_MODULE,
    HANDLE_LOSS,
    HANDLE_OPTIMIZER,
    HANDLE_TRAINER,
    HANDLE_NUMPY
} handle_type;

// False when there is no room for one more handle; true: the next handle_open succeeds.
bool handle_room(void);
// A new handle for the object, or UNROLLED_E_MEMORY.
int handle_open(handle_type type, void *object);
// The object, or NULL: stale, foreign or of another type.
void *handle_get(handle_type type, int handle);
handle_type handle_type_of(int handle);
// The number is no longer anybody's; the object is the caller's to destroy.
void handle_close(int handle);
int handle_count(void);    // open ones
size_t handle_bytes(void); // of the table itself

#endif
