/* pace_wall.h: walls: a server that refuses nearly everything just now. */
#ifndef FELLOWSHIP_BASE_PACE_WALL_H
#define FELLOWSHIP_BASE_PACE_WALL_H

#include "base/pace_state.h"

/* So many calls tell whether there is a wall: */
#define PACE_HEARD 10

/* at least this share of them is refused then. */
double pace_wall_share(const pace *p);

/* Walls in a row are counted up to this; without hints, pauses double so often. */
#define PACE_DOUBLINGS 7

/* All calls wait, since the refusals that were heard are a wall. */
void pace_stand_before_wall(pace *p, uint64_t now);

/* Counts refusals anew, to see whether more come than usual. */
void pace_begin_lately(pace *p, uint64_t now);

#endif
