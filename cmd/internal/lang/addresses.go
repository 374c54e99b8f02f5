package lang

import (
	"errors"
	"math/big"
	"net"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func addressFunctions() []fn {
	return []fn{
		{signature: "cidrcontains(network, address)", doc: "Whether an IP address, or all of a smaller network, is in a network such as \"10.0.0.0/8\".", f: cidrcontainsFunction()},
		{signature: "cidrhost(network, number)", doc: "Address of a number in a network; negative numbers count from its end.", f: cidrhostFunction()},
		{signature: "cidrnetmask(network)", doc: "Network mask of an IPv4 network.", f: mapper(netmask)},
	}
}

func parsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, errors.New("a network such as \"10.0.0.0/8\" is required")
	}
	return p.Masked(), nil
}

func cidrcontainsFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "network", Type: cty.String}, {Name: "address", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parsePrefix(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if a, err := netip.ParseAddr(args[1].AsString()); err == nil {
				return cty.BoolVal(network.Contains(a.Unmap())), nil
			}
			inner, err := parsePrefix(args[1].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "an IP address or a network is required")
			}
			return cty.BoolVal(network.Contains(inner.Addr()) && inner.Bits() >= network.Bits()), nil
		},
	})
}

func cidrhostFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "network", Type: cty.String}, {Name: "number", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parsePrefix(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			n, accuracy := args[1].AsBigFloat().Int(nil)
			size := new(big.Int).Lsh(big.NewInt(1), uint(network.Addr().BitLen()-network.Bits()))
			if n == nil || accuracy != big.Exact || n.CmpAbs(size) > 0 || n.Sign() >= 0 && n.Cmp(size) == 0 {
				return cty.NilVal, function.NewArgErrorf(1, "the network has no address of this number")
			}
			if n.Sign() < 0 {
				n.Add(n, size)
			}
			first := new(big.Int).SetBytes(network.Addr().AsSlice())
			sum := first.Add(first, n).FillBytes(make([]byte, network.Addr().BitLen()/8))
			a, _ := netip.AddrFromSlice(sum)
			return cty.StringVal(a.String()), nil
		},
	})
}

func netmask(text string) (string, error) {
	network, err := parsePrefix(text)
	if err != nil {
		return "", err
	}
	if !network.Addr().Is4() {
		return "", errors.New("an IPv4 network is required")
	}
	return net.IP(net.CIDRMask(network.Bits(), 32)).String(), nil
}
