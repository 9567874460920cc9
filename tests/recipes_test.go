package tests

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// readYAML reads the documents of a YAML file of cmd/imgd/container into docs. A field
// that the type of a document does not have is an error.
func readYAML(t *testing.T, file string, docs ...any) {
	t.Helper()
	out := must(t, filepath.Join(root, "cmd/imgd/container"), "/usr/bin/yq -c . "+file)
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(docs) {
		t.Fatalf("%s has %d documents, want %d", file, len(lines), len(docs))
	}
	for i, line := range lines {
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(docs[i]); err != nil {
			t.Fatalf("%s: %v in %s", file, err, line)
		}
	}
}

// checkFlags has imgd -C check the flags of a recipe, with a token and a spool that are
// there, and returns the time that a stop may take: -drain, -t and ten seconds.
func checkFlags(t *testing.T, args []string) (stop time.Duration) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "token", []byte("sesame\n"))
	stop = 10 * time.Second
	args = slices.Clone(args)
	for i, a := range args {
		name, value, joined := strings.Cut(a, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		give := func(text string) {
			if joined {
				args[i] = name + "=" + text
			} else {
				args[i+1] = text
			}
		}
		switch name {
		case "-token":
			give(filepath.Join(dir, "token"))
		case "-spool":
			give(filepath.Join(dir, "spool"))
		case "-drain", "-t":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Error(err)
			}
			stop += d
		}
	}
	if out, err := exec.Command(filepath.Join(binDir, "imgd"), append([]string{"-C"}, args...)...).CombinedOutput(); err != nil {
		t.Errorf("imgd -C %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return stop
}

// entry returns the entry point and the arguments of the image's recipe.
func entry(t *testing.T, file string) (entrypoint, args []string) {
	t.Helper()
	for line := range strings.Lines(string(read(t, filepath.Join(root, "cmd/imgd/container", file)))) {
		word, rest, _ := strings.Cut(line, " ")
		to := map[string]*[]string{"ENTRYPOINT": &entrypoint, "CMD": &args}[word]
		if to == nil {
			continue
		}
		if err := json.Unmarshal([]byte(rest), to); err != nil {
			t.Fatalf("%s: %s: %v", file, word, err)
		}
	}
	return entrypoint, args
}

// Both images start imgd in the same way. It knows their flags, and those of the manual.
func TestContainerfiles(t *testing.T) {
	entrypoint, args := entry(t, "Containerfile")
	if len(entrypoint) == 0 || entrypoint[0] != "imgd" {
		t.Fatalf("it starts %v", entrypoint)
	}
	checkFlags(t, append(entrypoint[1:], args...))
	_, own, _ := strings.Cut(block(t, "imgtools.7", "EXAMPLES", "podman run "), "localhost/imgtools ")
	checkFlags(t, append(entrypoint[1:], strings.Fields(own)...))
	heif, heifArgs := entry(t, "Containerfile.heif")
	if !slices.Equal(heif, entrypoint) || !slices.Equal(heifArgs, args) {
		t.Errorf("Containerfile.heif starts %v %v", heif, heifArgs)
	}
}

func TestComposeExample(t *testing.T) {
	type service struct {
		Image, User                             string
		Command, Tmpfs, Volumes, Secrets, Ports []string
		ReadOnly                                bool     `json:"read_only"`
		CapDrop                                 []string `json:"cap_drop"`
		SecurityOpt                             []string `json:"security_opt"`
		Restart                                 string
		StopGracePeriod                         string `json:"stop_grace_period"`
		Healthcheck                             struct {
			Test              []string
			Interval, Timeout string
			Retries           int
			StartPeriod       string `json:"start_period"`
		}
		Deploy struct {
			Resources struct {
				Limits struct{ CPUs, Memory string }
			}
		}
	}
	var file struct {
		Services map[string]service
		Secrets  map[string]struct{ File string }
		Volumes  map[string]struct{}
	}
	readYAML(t, "compose.yaml", &file)
	s := file.Services["imgd"]
	entrypoint, _ := entry(t, "Containerfile")
	stop := checkFlags(t, append(entrypoint[1:], s.Command...))
	if grace, err := time.ParseDuration(s.StopGracePeriod); err != nil || grace < stop {
		t.Errorf("stop_grace_period %s, want at least %v", s.StopGracePeriod, stop)
	}
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.Healthcheck.Test, []string{"CMD", "imgd", "-ready"}) || s.Deploy.Resources.Limits.Memory == "" {
		t.Errorf("read_only, cap_drop, healthcheck or limits: %+v", s)
	}
	if _, ok := file.Volumes["spool"]; !ok || !slices.Equal(s.Volumes, []string{"spool:/spool"}) || file.Secrets[s.Secrets[0]].File == "" {
		t.Errorf("volumes %v of %v, secrets %v of %v", s.Volumes, file.Volumes, s.Secrets, file.Secrets)
	}
	if _, err := exec.LookPath("docker-compose"); err == nil {
		must(t, filepath.Join(root, "cmd/imgd/container"), "docker-compose -f compose.yaml config")
	}
}

func TestKubernetesExample(t *testing.T) {
	type labels map[string]string
	type meta struct {
		Name   string
		Labels labels
	}
	type selector struct{ MatchLabels labels }
	type object struct {
		APIVersion, Kind string
		Metadata         meta
	}
	type quantities struct{ CPU, Memory, Storage string }
	type resources struct{ Requests, Limits quantities }
	type probe struct {
		HTTPGet                                         struct{ Path, Port string }
		PeriodSeconds, TimeoutSeconds, FailureThreshold int
	}
	var deployment struct {
		object
		Spec struct {
			Replicas int
			Strategy struct{ Type string }
			Selector selector
			Template struct {
				Metadata meta
				Spec     struct {
					AutomountServiceAccountToken  *bool
					TerminationGracePeriodSeconds int
					SecurityContext               struct {
						RunAsNonRoot                   bool
						RunAsUser, RunAsGroup, FSGroup int
						FSGroupChangePolicy            string
						SeccompProfile                 struct{ Type string }
					}
					Containers []struct {
						Name, Image string
						Command     []string
						Ports       []struct {
							Name          string
							ContainerPort int
						}
						StartupProbe, LivenessProbe, ReadinessProbe probe
						Resources                                   resources
						SecurityContext                             struct {
							AllowPrivilegeEscalation *bool
							ReadOnlyRootFilesystem   bool
							Capabilities             struct{ Drop []string }
						}
						VolumeMounts []struct {
							Name, MountPath string
							ReadOnly        bool
						}
					}
					Volumes []struct {
						Name                  string
						EmptyDir              *struct{ Medium, SizeLimit string }
						PersistentVolumeClaim *struct{ ClaimName string }
						Secret                *struct {
							SecretName  string
							DefaultMode int
						}
					}
				}
			}
		}
	}
	var claim struct {
		object
		Spec struct {
			AccessModes []string
			Resources   resources
		}
	}
	var service struct {
		object
		Spec struct {
			Selector labels
			Ports    []struct {
				Name, TargetPort string
				Port             int
			}
		}
	}
	readYAML(t, "kubernetes.yaml", &deployment, &claim, &service)
	if deployment.APIVersion != "apps/v1" || deployment.Kind != "Deployment" || claim.Kind != "PersistentVolumeClaim" || service.Kind != "Service" || claim.APIVersion != "v1" || service.APIVersion != "v1" {
		t.Errorf("kinds: %v, %v, %v", deployment.object, claim.object, service.object)
	}
	pod := deployment.Spec.Template.Spec
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	stop := checkFlags(t, c.Command[1:])
	if grace := time.Duration(pod.TerminationGracePeriodSeconds) * time.Second; grace < stop {
		t.Errorf("terminationGracePeriodSeconds is %v, want at least %v", grace, stop)
	}
	label := deployment.Spec.Template.Metadata.Labels["app"]
	if label == "" || deployment.Spec.Selector.MatchLabels["app"] != label || service.Spec.Selector["app"] != label {
		t.Errorf("label %q, selectors %v and %v", label, deployment.Spec.Selector, service.Spec.Selector)
	}
	if c.Ports[0].ContainerPort != 8080 || c.Ports[0].Name != service.Spec.Ports[0].TargetPort {
		t.Errorf("ports %v, service %v", c.Ports, service.Spec.Ports)
	}
	for _, p := range []struct {
		probe
		path string
	}{{c.StartupProbe, "/healthz"}, {c.LivenessProbe, "/healthz"}, {c.ReadinessProbe, "/readyz"}} {
		if p.HTTPGet.Path != p.path || p.HTTPGet.Port != c.Ports[0].Name {
			t.Errorf("probe %v, want %s", p.probe, p.path)
		}
	}
	if s := c.SecurityContext; !s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !pod.SecurityContext.RunAsNonRoot {
		t.Errorf("security contexts %+v and %+v", pod.SecurityContext, s)
	}
	if c.Resources.Limits.Memory == "" || c.Resources.Requests.CPU == "" {
		t.Errorf("resources %v", c.Resources)
	}
	mounted := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounted[m.Name] = m.MountPath
	}
	for _, v := range pod.Volumes {
		if mounted[v.Name] == "" {
			t.Errorf("volume %s is not mounted", v.Name)
		}
		if v.PersistentVolumeClaim != nil && (v.PersistentVolumeClaim.ClaimName != claim.Metadata.Name || mounted[v.Name] != "/spool") {
			t.Errorf("volume %+v, claim %s", v.PersistentVolumeClaim, claim.Metadata.Name)
		}
		delete(mounted, v.Name)
	}
	if len(mounted) > 0 {
		t.Errorf("mounted, and no volumes: %v", mounted)
	}
}
