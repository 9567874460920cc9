package service

import (
	"fmt"
	"testing"
)

func TestTCPAddress(t *testing.T) {
	a, err := tcpAddress([]string{"localhost", "127.0.0.1", "::", "fe80::1%lo"}, 80)
	if err != nil || fmt.Sprint(a.Binds) != "[127.0.0.1:80 [::1]:80 [::]:80 [fe80::1%lo]:80]" {
		t.Errorf("%v %v", a.Binds, err)
	}
}
