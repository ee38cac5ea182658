#pragma once

#include "runtime/cudnn_api.h"
