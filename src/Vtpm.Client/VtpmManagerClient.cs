using System.Security.Cryptography;
using System.Text;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// A vTPM's, or an administrator's, side of the link to the vTPM manager. Which vTPM it is, the link says. Not for use by several threads at once.
/// </summary>
public sealed class VtpmManagerClient : IDisposable
{
    private readonly ITpmConnection _connection;
    // Pinned: keys pass through them, and each command zeroes what it has left.
    private readonly byte[] _request = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);
    private readonly byte[] _response = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);

    public VtpmManagerClient(ITpmConnection connection)
    {
        _connection = connection;
        Hardware = new TpmClient(connection, ownsConnection: false);
    }

    /// <summary>
    /// <c>INTRODUCE</c>, by the service of a backend domain on the manager's socket for it: what goes over this connection from now on is that vTPM's,
    /// whoever sends it.
    /// </summary>
    /// <param name="connection">One over which nothing has gone yet; it stays the caller's.</param>
    /// <param name="uuid">The vTPM.</param>
    /// <param name="label">The XSM label of the domain that it belongs to; null or empty where there is none.</param>
    /// <exception cref="VtpmManagerException">The manager refuses it.</exception>
    public static void Introduce(ITpmConnection connection, Guid uuid, string? label = null)
    {
        byte[] introduction = WireFormat.ToBytes(new VtpmIntroduceRequest { Uuid = uuid, Label = Encoding.UTF8.GetBytes(label ?? "") });
        byte[] request = new byte[TpmHeader.Size + introduction.Length];
        Write(request, TpmTag.VtpmReq, VtpmManagerOrdinal.Introduce, introduction);
        byte[] response = new byte[TpmMessage.MaxLength];
        int answered = connection.Transmit(request, response);
        if (WireFormat.Read(response.AsSpan(0, TpmHeader.Size), out TpmHeader answer) != TpmResult.Success || answer.Tag != TpmTag.VtpmRsp)
            throw Malformed(VtpmManagerOrdinal.Introduce);
        if (answer.ReturnCode != TpmResult.Success) throw new VtpmManagerException(VtpmManagerOrdinal.Introduce, answer.ReturnCode);
        if (answered != TpmHeader.Size) throw Malformed(VtpmManagerOrdinal.Introduce);
    }

    /// <summary>The hardware TPM as far as the manager lets commands through: GetRandom, PcrRead, and Extend for administrators.</summary>
    public TpmClient Hardware { get; }

    /// <summary><c>VTPM_ORD_SAVEHASHKEY</c>: when it returns, the manager has 52 to 64 bytes of key data on its disk.</summary>
    public void SaveHashKey(ReadOnlySpan<byte> keyData) => Execute(TpmTag.VtpmReq, VtpmManagerOrdinal.SaveHashKey, keyData, static _ => true);

    /// <summary>
    /// <c>VTPM_ORD_LOADHASHKEY</c>: fills what was saved.
    /// </summary>
    /// <param name="keyData">Takes 64 bytes.</param>
    /// <returns>How many there are; 0 when the manager does not know this vTPM.</returns>
    public int LoadHashKey(Span<byte> keyData)
    {
        if (keyData.Length < VtpmHashKey.MaxSize) throw new ArgumentException($"{VtpmHashKey.MaxSize} bytes are needed", nameof(keyData));
        try
        {
            TpmResult result = Exchange(TpmTag.VtpmReq, VtpmManagerOrdinal.LoadHashKey, [], out ReadOnlySpan<byte> body);
            if (result == TpmResult.BadParameter) return 0;
            if (result != TpmResult.Success) throw new VtpmManagerException(VtpmManagerOrdinal.LoadHashKey, result);
            if (body.Length is < VtpmHashKey.MinSize or > VtpmHashKey.MaxSize) throw Malformed(VtpmManagerOrdinal.LoadHashKey);
            body.CopyTo(keyData);
            return body.Length;
        }
        finally
        {
            Clear();
        }
    }

    /// <summary><c>VTPM_ORD_GETBOOTHASH</c>.</summary>
    public TpmDigest GetBootHash() => Execute<TpmDigest>(TpmTag.VtpmReq, VtpmManagerOrdinal.GetBootHash, []);

    /// <summary><c>VTPM_ORD_GETQUOTE</c>.</summary>
    public VtpmGetQuoteResponse GetQuote(VtpmGetQuoteRequest request) =>
        Execute<VtpmGetQuoteResponse>(TpmTag.VtpmReq, VtpmManagerOrdinal.GetQuote, WireFormat.ToBytes(request));

    /// <summary>Sends a request that somebody else has made, and takes the response, both as they are.</summary>
    /// <returns>The length of the response.</returns>
    public int Forward(ReadOnlySpan<byte> request, Span<byte> response) => _connection.Transmit(request, response);

    /// <summary>A management command.</summary>
    public TResponse Manage<TRequest, TResponse>(VtpmManagerOrdinal ordinal, TRequest request)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse> =>
        Execute<TResponse>(TpmTag.VtpmReq2, ordinal, WireFormat.ToBytes(request));

    /// <summary>A management command in bytes; returns the parameters of its response.</summary>
    public byte[] Manage(VtpmManagerOrdinal ordinal, ReadOnlySpan<byte> parameters) =>
        Execute(TpmTag.VtpmReq2, ordinal, parameters, static body => body.ToArray());

    public void Dispose()
    {
        Hardware.Dispose();
        Clear();
        _connection.Dispose();
    }

    private static void Write(Span<byte> request, TpmTag tag, VtpmManagerOrdinal ordinal, ReadOnlySpan<byte> parameters)
    {
        var header = new TpmHeader { Tag = tag, ParamSize = (uint)request.Length, Code = (uint)ordinal };
        var writer = new WireWriter(request);
        writer.Structure(ref header);
        parameters.CopyTo(request[TpmHeader.Size..]);
    }

    private static TpmProtocolException Malformed(VtpmManagerOrdinal ordinal) =>
        new((TpmOrdinal)ordinal, $"not what a vTPM manager answers to VTPM_ORD_{ordinal}");

    private T Execute<T>(TpmTag tag, VtpmManagerOrdinal ordinal, ReadOnlySpan<byte> parameters)
        where T : struct, IWireStructure<T> =>
        Execute(tag, ordinal, parameters, body => WireFormat.Read(body, out T value) == TpmResult.Success ? value : throw Malformed(ordinal));

    private T Execute<T>(TpmTag tag, VtpmManagerOrdinal ordinal, ReadOnlySpan<byte> parameters, Func<ReadOnlySpan<byte>, T> read)
    {
        try
        {
            TpmResult result = Exchange(tag, ordinal, parameters, out ReadOnlySpan<byte> body);
            return result == TpmResult.Success ? read(body) : throw new VtpmManagerException(ordinal, result);
        }
        finally
        {
            Clear();
        }
    }

    private TpmResult Exchange(TpmTag tag, VtpmManagerOrdinal ordinal, ReadOnlySpan<byte> parameters, out ReadOnlySpan<byte> body)
    {
        int length = TpmHeader.Size + parameters.Length;
        if (length > _request.Length) throw new ArgumentException("too long for a command", nameof(parameters));
        Write(_request.AsSpan(0, length), tag, ordinal, parameters);
        int answered = _connection.Transmit(_request.AsSpan(0, length), _response);
        if (WireFormat.Read(_response.AsSpan(0, TpmHeader.Size), out TpmHeader answer) != TpmResult.Success) throw Malformed(ordinal);
        // The refusal of a management command has other tags too: the request's and three, as the original has it, or that of a TPM on the way.
        bool mayDiffer = tag == TpmTag.VtpmReq2 && answer.ReturnCode != TpmResult.Success;
        if (answer.Tag != TpmTag.VtpmRsp && !mayDiffer) throw Malformed(ordinal);
        body = _response.AsSpan(TpmHeader.Size..answered);
        return answer.ReturnCode;
    }

    private void Clear()
    {
        CryptographicOperations.ZeroMemory(_request);
        CryptographicOperations.ZeroMemory(_response);
    }
}
