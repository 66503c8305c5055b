using System.Runtime.InteropServices;
using System.Text;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// Who a backend domain's service says its connections are for. It is believed: it has the devices of all its guests. What is made of it is bounded
/// all the same, since a connection, once introduced, is in the hands of the vTPM.
/// </summary>
internal sealed class HostIntroductions(Func<VtpmPeer, ManagerConnection> connect, ManagerLog log, int maxPerVtpm)
{
    /// <summary>Twice as many as a backend serves devices, for restarts.</summary>
    public const int MaxClients = 8192;

    private readonly Dictionary<Guid, int> _connections = [];

    /// <summary>Reads the first request of a connection.</summary>
    /// <param name="request">It.</param>
    /// <param name="executableHash">SHA-1 of what the service runs, where that was measured.</param>
    /// <param name="connection">The vTPM's; the caller ends it by <see cref="End"/>.</param>
    public TpmResult Introduce(ReadOnlySpan<byte> request, TpmDigest? executableHash, out ManagerConnection? connection)
    {
        connection = null;
        if (WireFormat.Read(request[..TpmHeader.Size], out TpmHeader header) != TpmResult.Success) return TpmResult.BadParamSize;
        if (header.Tag != TpmTag.VtpmReq || header.ManagerOrdinal != VtpmManagerOrdinal.Introduce)
            return Refuse(null, "a command before it was said which vTPM the connection is for", TpmResult.AuthFail);
        if (WireFormat.Read(request[TpmHeader.Size..], out VtpmIntroduceRequest introduction) != TpmResult.Success) return TpmResult.BadParameter;
        Guid uuid = introduction.Uuid;
        string label = Encoding.Latin1.GetString(introduction.Label.Span);
        if (label.Length == 0) label = VtpmLabel.OfHost(uuid);
        else if (!VtpmLabel.IsSane(label)) return Refuse(uuid, $"its label has {label.Length} bytes that are no XSM label", TpmResult.BadParameter);
        else if (VtpmLabel.IsReserved(label)) return Refuse(uuid, $"the label {label} is one that this manager gives", TpmResult.AuthFail);

        ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_connections, uuid, out _);
        if (count >= maxPerVtpm) return Refuse(uuid, $"{count} connections, the limit for one", TpmResult.Resources);
        count++;
        connection = connect(new VtpmPeer(uuid, label) { ExecutableHash = executableHash });
        return TpmResult.Success;
    }

    public void End(ManagerConnection connection)
    {
        connection.Dispose();
        Guid uuid = connection.Uuid!.Value;
        if (--_connections[uuid] == 0) _connections.Remove(uuid);
    }

    private TpmResult Refuse(Guid? vtpm, string why, TpmResult result)
    {
        if (vtpm is { } uuid) log.Of(uuid).Error($"backend domain: vTPM {uuid}: {why}; refused");
        else log.About("backend domain").Error($"backend domain: {why}; refused");
        return result;
    }
}

/// <summary>A connection on the socket of a backend domain: first nobody's, then a vTPM's for good.</summary>
internal sealed class IntroducedClient(HostIntroductions introductions, TpmDigest? executableHash) : IDisposable
{
    /// <summary>Null before it is introduced.</summary>
    public ManagerConnection? Connection { get; private set; }

    public int Begin(ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (Connection is not null) return Connection.Begin(request, response);
        TpmResult result = introductions.Introduce(request, executableHash, out ManagerConnection? connection);
        Connection = connection;
        return TpmMessage.WriteFailure(request, result, response);   // success has nothing else to say either
    }

    public void Dispose()
    {
        if (Connection is not null) introductions.End(Connection);
    }
}
