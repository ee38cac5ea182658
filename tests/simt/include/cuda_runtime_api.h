#pragma once

#include "runtime/api.h"
