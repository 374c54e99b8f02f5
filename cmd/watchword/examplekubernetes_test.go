package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"watchword/cmd/internal/config"
)

// What the test reads of the manifests.
type (
	object struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			SecretName string `yaml:"secretName"`
			Usages     []string
			Replicas   int
			Strategy   struct{ Type string }
			Template   struct{ Spec pod }
			Ports      []struct {
				TargetPort string `yaml:"targetPort"`
			}
			Ingress []struct{ Ports []struct{ Port string } }
		}
	}
	pod struct {
		SecurityContext struct {
			RunAsNonRoot bool `yaml:"runAsNonRoot"`
			RunAsUser    int  `yaml:"runAsUser"`
			FSGroup      int  `yaml:"fsGroup"`
		} `yaml:"securityContext"`
		Containers []container
		Volumes    []struct {
			Name   string
			Secret *struct {
				SecretName  string `yaml:"secretName"`
				DefaultMode int    `yaml:"defaultMode"`
			}
			ConfigMap *struct{ Name string } `yaml:"configMap"`
			Claim     *struct {
				ClaimName string `yaml:"claimName"`
			} `yaml:"persistentVolumeClaim"`
		}
	}
	container struct {
		Args  []string
		Ports []struct {
			Name          string
			ContainerPort string `yaml:"containerPort"`
		}
		ReadinessProbe  probe `yaml:"readinessProbe"`
		LivenessProbe   probe `yaml:"livenessProbe"`
		SecurityContext struct {
			ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			SubPath   string `yaml:"subPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
	}
	kustomization struct {
		Resources          []string
		ConfigMapGenerator []struct {
			Name  string
			Files []string
		} `yaml:"configMapGenerator"`
		GeneratorOptions struct {
			DisableNameSuffixHash bool `yaml:"disableNameSuffixHash"`
		} `yaml:"generatorOptions"`
	}
)

const kubernetes = "../../examples/kubernetes"

// manifests returns the kustomization and all objects of its resources.
func manifests(t *testing.T) (k kustomization, objects []object) {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(kubernetes, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := yaml.Unmarshal(read("kustomization.yaml"), &k); err != nil {
		t.Fatal(err)
	}
	for _, name := range k.Resources {
		for d := yaml.NewDecoder(bytes.NewReader(read(name))); ; {
			var o object
			if err := d.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			objects = append(objects, o)
		}
	}
	files, err := filepath.Glob(filepath.Join(kubernetes, "*.yaml"))
	if err != nil || len(files) != len(k.Resources)+1 {
		t.Fatalf("files %q (%v), want all of them to be resources", files, err)
	}
	return k, objects
}

// The manifests, the configuration and the command line agree with each other.
func TestKubernetesExample(t *testing.T) {
	k, objects := manifests(t)
	names := make(map[string][]string) // by kind
	var spec pod
	for _, o := range objects {
		names[o.Kind] = append(names[o.Kind], o.Metadata.Name)
		switch o.Kind {
		case "Certificate":
			names["Secret"] = append(names["Secret"], o.Spec.SecretName)
			if !slices.Contains(o.Spec.Usages, "client auth") {
				t.Errorf("certificate %s is for %q, want client auth", o.Metadata.Name, o.Spec.Usages)
			}
		case "Deployment":
			spec = o.Spec.Template.Spec
			if o.Spec.Replicas != 1 || o.Spec.Strategy.Type != "Recreate" {
				t.Errorf("%d replicas by %s: two daemons cannot share a state file", o.Spec.Replicas, o.Spec.Strategy.Type)
			}
		}
	}
	if len(spec.Containers) != 1 || !spec.SecurityContext.RunAsNonRoot || spec.SecurityContext.RunAsUser != 65532 ||
		spec.SecurityContext.FSGroup != 65532 || !spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem {
		t.Fatalf("the pod is %+v, want one container of user 65532 with a read-only root", spec)
	}
	for _, o := range objects {
		for _, p := range o.Spec.Ports {
			spec.wantPort(t, p.TargetPort, "9780")
		}
		for _, in := range o.Spec.Ingress {
			for _, p := range in.Ports {
				spec.wantPort(t, p.Port, "9780")
			}
		}
	}

	// The ConfigMap is the configuration, and is valid.
	if len(k.ConfigMapGenerator) != 1 || !k.GeneratorOptions.DisableNameSuffixHash || !slices.Equal(k.ConfigMapGenerator[0].Files, []string{"watchword.hcl"}) {
		t.Fatalf("the ConfigMap is made of %+v", k.ConfigMapGenerator)
	}
	names["ConfigMap"] = []string{k.ConfigMapGenerator[0].Name}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"validate", "--strict", "--offline", "-c", kubernetes}, nil, &out, &out); code != exitOK {
		t.Fatalf("validate: exit code %d\n%s", code, out.String())
	}
	cfg, err := config.Load(t.Context(), kubernetes, config.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	spec.wantFiles(t, cfg, names)
	spec.wantCommand(t, cfg)
}

// wantPort wants the container to have a port of that name and number.
func (p *pod) wantPort(t *testing.T, name, number string) {
	t.Helper()
	for _, port := range p.Containers[0].Ports {
		if port.Name == name && port.ContainerPort == number {
			return
		}
	}
	t.Errorf("ports are %+v, want %s to be %s", p.Containers[0].Ports, name, number)
}

// wantFiles wants every file of the configuration in a mounted folder, and
// every volume to be of an object that exists or that the README makes.
func (p *pod) wantFiles(t *testing.T, cfg *config.Config, names map[string][]string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(kubernetes, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	holds := make(map[string][]string) // mount path to names of files
	for _, m := range p.Containers[0].VolumeMounts {
		if m.SubPath != "" {
			t.Errorf("%s is mounted by subPath and never renewed", m.MountPath)
		}
		for _, v := range p.Volumes {
			switch {
			case v.Name != m.Name:
			case v.Secret != nil && slices.Contains(names["Secret"], v.Secret.SecretName):
				holds[m.MountPath] = []string{"tls.crt", "tls.key", "ca.crt"}
			case v.Secret != nil && strings.Contains(string(readme), "secret generic "+v.Secret.SecretName+" --from-file=token="):
				holds[m.MountPath] = []string{"token"}
			case v.ConfigMap != nil && slices.Contains(names["ConfigMap"], v.ConfigMap.Name):
				holds[m.MountPath] = []string{"watchword.hcl"}
			case v.Claim != nil && slices.Contains(names["PersistentVolumeClaim"], v.Claim.ClaimName) && !m.ReadOnly:
				holds[m.MountPath] = []string{"watchword.db"}
			default:
				t.Errorf("volume %s is of nothing that exists", v.Name)
			}
			if v.Name == m.Name && v.Secret != nil && v.Secret.DefaultMode != 0o440 {
				t.Errorf("volume %s has mode %o, want 440", v.Name, v.Secret.DefaultMode)
			}
		}
	}
	for _, file := range append(cfg.Files, cfg.Settings.State) {
		dir, name := filepath.Split(file)
		if strings.HasSuffix(name, ".hcl") {
			dir = "/etc/watchword"
		}
		if !slices.Contains(holds[filepath.Clean(dir)], name) {
			t.Errorf("%s is in no mounted folder: %q", file, holds)
		}
	}
	if len(cfg.Files) < 6 {
		t.Errorf("files %q, want those of two certificates and a token too", cfg.Files)
	}
}

// wantCommand wants the arguments to be those of the program, and the probes
// to ask where it answers.
func (p *pod) wantCommand(t *testing.T, cfg *config.Config) {
	t.Helper()
	c := p.Containers[0]
	cmd, rest, err := new(app).command().Find(c.Args)
	if err != nil || cmd.Name() != "run" {
		t.Fatalf("arguments %q are for %v (%v)", c.Args, cmd.Name(), err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	if got := cmd.Flag("config").Value.String(); got != "/etc/watchword" {
		t.Errorf("the configuration is looked for at %s", got)
	}
	for name, address := range map[string]string{"http": cfg.Settings.Listen, "health": cmd.Flag("web.health-address").Value.String()} {
		host, port, err := net.SplitHostPort(address)
		if err != nil || host != "0.0.0.0" {
			t.Errorf("%s listens at %s (%v), want all addresses of the pod", name, address, err)
		}
		p.wantPort(t, name, port)
	}
	for want, probe := range map[string]probe{"/-/ready": c.ReadinessProbe, "/-/healthy": c.LivenessProbe} {
		if probe.HTTPGet.Path != want || probe.HTTPGet.Port != "health" {
			t.Errorf("a probe asks %s of %s, want %s of health", probe.HTTPGet.Path, probe.HTTPGet.Port, want)
		}
	}
}
