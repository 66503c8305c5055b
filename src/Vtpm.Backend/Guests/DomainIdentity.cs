using System.Globalization;
using System.Security.Cryptography;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>
/// Which domain this is, and which life of it: another one whenever the number of a domain is given again. By nothing that the domain can write.
/// </summary>
/// <remarks>
/// In dom0 it is the toolstack's: the path of the domain's <c>/vm</c> node and the time at which it was started, which stand there before any device
/// comes. A driver domain may not read these. There the backend puts a random number into its own directory of the device, which the frontend may read
/// and not write, and which goes when the toolstack removes the device.
/// </remarks>
internal static class DomainIdentity
{
    private const string Mark = "vtpm-life";
    private const int MarkSize = 16;

    public static string Of(IXenStore store, TpmbackClient client)
    {
        string domain = client.Domain.ToString(CultureInfo.InvariantCulture);
        if (store.Read($"/local/domain/{domain}/vm") is { Length: > 0 } vm && store.Read($"{vm}/start_time") is { Length: > 0 } start) return $"{domain} {vm} {start}";
        string path = $"{PathOf(client)}/{Mark}";
        if (store.Read(path) is not { Length: 2 * MarkSize } mark)
        {
            mark = RandomNumberGenerator.GetHexString(2 * MarkSize, lowercase: true);
            store.Write(path, mark);
        }

        return $"{domain} {mark}";
    }

    /// <summary>Whether the toolstack and the frontend were told of a backend before: by one that has gone.</summary>
    public static bool WasAnnounced(IXenStore store, TpmbackClient client) => store.Read($"{PathOf(client)}/state") is not (null or "1");

    private static string PathOf(TpmbackClient client) => $"backend/vtpm/{client}";
}
