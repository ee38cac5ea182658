#pragma once

// Stands in for the toolkit's header of this name.
#include "device/api.h"
#if __has_include("runtime/api.h")
#include "runtime/api.h"
#endif
