package daemon_test

import (
	"testing"

	"imgtools/pkg/daemon/daemontest"
)

func TestMain(m *testing.M) { daemontest.Main(m) }
