using System.Collections.Concurrent;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend.Tests;

/// <summary>A manager as the service of a backend domain sees it, on a real socket: it keeps hashes and keys by what it was introduced to.</summary>
internal sealed class HostManager : IDisposable
{
    private readonly TpmServer _server;
    private readonly Thread _thread;

    public HostManager(string path)
    {
        _server = new TpmServer(Answer);
        _server.Listen(TpmAddress.Unix(path));
        _thread = new Thread(_server.Run);
        _thread.Start();
    }

    /// <summary>By uuid; outlives a manager that ends, when it is given on.</summary>
    public ConcurrentDictionary<Guid, byte[]> Keys { get; init; } = [];

    /// <summary>Who was introduced, with the label.</summary>
    public ConcurrentQueue<string> Introduced { get; } = [];

    public TpmResult Refusal { get; set; }

    public void Dispose()
    {
        _server.Dispose();
        _thread.Join();
    }

    private int Answer(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        WireFormat.Read(request[..TpmHeader.Size], out TpmHeader header);
        ReadOnlySpan<byte> parameters = request[TpmHeader.Size..];
        if (header.Tag == TpmTag.RquCommand) return Write(response, TpmTag.RspCommand, [0, 0, 0, 4, 1, 2, 3, 4]);   // TPM_GetRandom
        if (header.ManagerOrdinal == VtpmManagerOrdinal.Introduce)
        {
            if (Refusal != TpmResult.Success || client.State is not null) return TpmMessage.WriteFailure(request, TpmResult.AuthFail, response);
            WireFormat.Read(parameters, out VtpmIntroduceRequest introduction);
            client.State = introduction.Uuid;
            Introduced.Enqueue($"{introduction.Uuid} {System.Text.Encoding.UTF8.GetString(introduction.Label.Span)}");
            return Write(response, TpmTag.VtpmRsp, []);
        }

        if (client.State is not Guid uuid) return TpmMessage.WriteFailure(request, TpmResult.AuthFail, response);
        if (header.ManagerOrdinal == VtpmManagerOrdinal.SaveHashKey)
        {
            Keys[uuid] = parameters.ToArray();
            return Write(response, TpmTag.VtpmRsp, []);
        }

        return Keys.TryGetValue(uuid, out byte[]? key)
            ? Write(response, TpmTag.VtpmRsp, key)
            : TpmMessage.WriteFailure(request, TpmResult.BadParameter, response);
    }

    private static int Write(Span<byte> response, TpmTag tag, ReadOnlySpan<byte> parameters)
    {
        var header = new TpmHeader { Tag = tag, ParamSize = (uint)(TpmHeader.Size + parameters.Length) };
        WireFormat.ToBytes(header).CopyTo(response);
        parameters.CopyTo(response[TpmHeader.Size..]);
        return TpmHeader.Size + parameters.Length;
    }
}
