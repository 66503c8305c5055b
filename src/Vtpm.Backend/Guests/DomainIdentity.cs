using System.Globalization;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>Which domain this is. By nothing that the domain can write, and nothing that it can have changed while it goes on.</summary>
/// <remarks>
/// Its number, which Xen gives to no other domain before it has gone round all of them, and in dom0 its <c>/vm</c> node. Not when it was started, nor
/// anything in the device's directory: a guest that has itself soft-reset (kexec in an HVM domain) goes on in the same domain, and the toolstack makes
/// its devices, and its time of start, anew. A new domain that is told apart from one that goes on begins anew whatever its number.
/// </remarks>
internal static class DomainIdentity
{
    public static string Of(IXenStore store, TpmbackClient client)
    {
        string domain = client.Domain.ToString(CultureInfo.InvariantCulture);
        return store.Read($"/local/domain/{domain}/vm") is { Length: > 0 } vm ? $"{domain} {vm}" : domain;
    }
}
