using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// Commands a TPM 1.2: one method a command, structures of Part 2 in and out, the HMACs of responses verified. Not for use by several threads at
/// once.
/// </summary>
/// <remarks>
/// A method throws <see cref="TpmCommandException"/> for a return code, <see cref="TpmBusyException"/> for one that asks for patience,
/// <see cref="TpmIntegrityException"/> when the response is not the TPM's, and <see cref="TpmTransportException"/> when the link failed.
/// </remarks>
public sealed partial class TpmClient(ITpmConnection connection, bool ownsConnection = true) : IDisposable
{
    private const int AuthRequestSize = sizeof(uint) + TpmNonce.Size + 1 + TpmAuthData.Size;
    private const int AuthResponseSize = TpmNonce.Size + 1 + TpmAuthData.Size;

    // Pinned: secrets pass through them, and each command zeroes what it has left.
    private readonly byte[] _request = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);
    private readonly byte[] _response = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);

    /// <summary>Sends any whole request as it is.</summary>
    /// <param name="request">A message whose paramSize is its length.</param>
    /// <param name="response">Takes the whole response.</param>
    /// <param name="result">Its return code.</param>
    /// <returns>The length of the response.</returns>
    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response, out TpmResult result)
    {
        int length = connection.Transmit(request, response);
        result = TpmMessage.ReadResult(response);
        return length;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_request);
        CryptographicOperations.ZeroMemory(_response);
        if (ownsConnection) connection.Dispose();
    }

    internal void EndQuietly(TpmSession session)
    {
        try
        {
            FlushSpecific(session.Handle, TpmResourceType.Auth);
        }
        catch (TpmException)
        {
            // It had ended already, as most failures make it.
        }
        catch (TpmTransportException)
        {
            // Whoever uses the link next will hear of it; this runs while another error may be on its way.
        }
    }

    internal TpmRequest Begin(TpmOrdinal ordinal) => new(_request, ordinal);

    /// <summary>Sends a command and reads the parameters of its response with <paramref name="read"/>; what that leaves unread is an error.</summary>
    private T Execute<T>(scoped in TpmRequest request, ReadParameters<T> read, int outHandles = 0, params ReadOnlySpan<TpmSession> sessions)
    {
        try
        {
            ReadOnlySpan<byte> parameters = Exchange(request, outHandles, sessions);
            var reader = new WireReader(parameters);
            T value = read(ref reader);
            if (reader.Finish() is var result and not TpmResult.Success)
                throw new TpmProtocolException(request.Ordinal, $"its parameters do not read (TPM_{result})");
            return value;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(_request);
            CryptographicOperations.ZeroMemory(_response);
        }
    }

    /// <summary>Sends a command whose response has no parameters.</summary>
    private void Execute(scoped in TpmRequest request, params ReadOnlySpan<TpmSession> sessions) =>
        Execute(request, static (ref WireReader _) => true, 0, sessions);

    internal T ExecuteFor<T>(scoped in TpmRequest request, params ReadOnlySpan<TpmSession> sessions)
        where T : struct, IWireStructure<T> =>
        Execute(request, Structure<T>, 0, sessions);

    private static T Structure<T>(ref WireReader reader)
        where T : struct, IWireStructure<T>
    {
        T value = default;
        reader.Structure(ref value);
        return value;
    }

    private static uint UInt32(ref WireReader reader)
    {
        uint value = 0;
        reader.UInt32(ref value);
        return value;
    }

    // Not by the codec, whose copy nobody could zero: what TPM_Unseal answers is a secret, and the caller's one copy of it the only one.
    private static byte[] Sized32(ref WireReader reader)
    {
        uint length = UInt32(ref reader);
        if (length > (uint)reader.Remaining)
        {
            reader.Fault(TpmResult.BadParamSize);
            return [];
        }

        byte[] bytes = new byte[length];
        reader.Fixed(bytes);
        return bytes;
    }

    /// <returns>The parameters of the response, in this client's buffer.</returns>
    private ReadOnlySpan<byte> Exchange(scoped in TpmRequest request, int outHandles, ReadOnlySpan<TpmSession> sessions)
    {
        if (request.IsTooLong) throw new ArgumentException($"TPM_{request.Ordinal} with these parameters does not fit into a command");
        int length = Finish(request, sessions);
        int answered;
        try
        {
            answered = connection.Transmit(_request.AsSpan(0, length), _response);
        }
        catch
        {
            foreach (TpmSession session in sessions) session.Abandon();
            throw;
        }

        ReadOnlySpan<byte> response = _response.AsSpan(0, answered);
        if (WireFormat.Read(response[..TpmHeader.Size], out TpmHeader header) != TpmResult.Success || header.ParamSize != answered)
            throw new TpmProtocolException(request.Ordinal, "its header does not fit it");
        foreach (TpmSession session in sessions) session.Doubt();
        if (header.ReturnCode != TpmResult.Success) throw TpmCommandException.From(request.Ordinal, header.ReturnCode);

        int end = answered - sessions.Length * AuthResponseSize;
        if (header.Tag != (TpmTag)((int)TpmTag.RspCommand + sessions.Length) || end < TpmHeader.Size + outHandles * sizeof(uint))
            throw new TpmProtocolException(request.Ordinal, $"tag 0x{(int)header.Tag:x4}, {answered} bytes");
        ReadOnlySpan<byte> parameters = response[TpmHeader.Size..end];
        Verify(request.Ordinal, parameters[(outHandles * sizeof(uint))..], response[end..], sessions);
        return parameters;
    }

    /// <summary>Adds the authorizations and the header.</summary>
    /// <returns>The length of the whole request.</returns>
    private int Finish(scoped in TpmRequest request, ReadOnlySpan<TpmSession> sessions)
    {
        int length = request.Length;
        if (length + sessions.Length * AuthRequestSize > _request.Length)
            throw new ArgumentException($"TPM_{request.Ordinal} with these parameters does not fit into a command");
        Span<byte> digest = stackalloc byte[TpmDigest.Size];
        Digest(request.Ordinal, [], request.Authorized, digest);
        foreach (TpmSession session in sessions)
        {
            Span<byte> block = _request.AsSpan(length, AuthRequestSize);
            BinaryPrimitives.WriteUInt32BigEndian(block, session.Handle);
            session.NonceOdd.CopyTo(block[4..]);
            block[24] = session.Continue ? (byte)1 : (byte)0;
            session.Authorize(digest, block[25..]);
            length += AuthRequestSize;
        }

        var header =
            new TpmHeader { Tag = (TpmTag)((int)TpmTag.RquCommand + sessions.Length), ParamSize = (uint)length, Code = (uint)request.Ordinal };
        var writer = new WireWriter(_request);
        writer.Structure(ref header);
        return length;
    }

    private static void Verify(TpmOrdinal ordinal, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> blocks, ReadOnlySpan<TpmSession> sessions)
    {
        if (sessions.IsEmpty) return;
        Span<byte> digest = stackalloc byte[TpmDigest.Size];
        // 1S is the return code, which is zero here.
        Digest(ordinal, stackalloc byte[sizeof(uint)], parameters, digest);
        bool genuine = true;
        for (int i = 0; i < sessions.Length; i++) genuine &= sessions[i].Accept(digest, blocks.Slice(i * AuthResponseSize, AuthResponseSize));
        if (!genuine) throw new TpmIntegrityException(ordinal, "its HMAC is wrong");
    }

    private static void Digest(TpmOrdinal ordinal, scoped ReadOnlySpan<byte> returnCode, ReadOnlySpan<byte> parameters, Span<byte> digest)
    {
        Span<byte> code = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(code, (uint)ordinal);
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        sha1.AppendData(returnCode);
        sha1.AppendData(code);
        sha1.AppendData(parameters);
        sha1.GetHashAndReset(digest);
    }

    private delegate T ReadParameters<out T>(ref WireReader reader);
}
