using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// Commands a TPM 2.0, as far as a vTPM manager needs one: one method a command, the HMACs of responses verified, secrets encrypted on the bus by
/// salted sessions. A TPM that asks for patience is asked again. Not for use by several threads at once.
/// </summary>
/// <remarks>
/// A method throws <see cref="Tpm2CommandException"/> for a response code, <see cref="Tpm2IntegrityException"/> or
/// <see cref="Tpm2ProtocolException"/> when the response is not the TPM's, and <see cref="TpmTransportException"/> when the link failed.
/// </remarks>
public sealed partial class Tpm2Client(ITpmConnection connection) : IDisposable
{
    private const ushort NoSessions = 0x8001;
    private const ushort Sessions = 0x8002;

    /// <summary>The tag of the one response to what a TPM takes for a command of another version.</summary>
    private const ushort ResponseOfOld = 0x00C4;

    private const int FirstPause = 20;
    private const int LongestPause = 500;

    // Pinned: secrets pass through them, and each command zeroes what it has left.
    private readonly byte[] _parameters = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);
    private readonly byte[] _request = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);
    private readonly byte[] _response = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);

    /// <summary>How long a TPM may go on saying that it is busy: testing itself, writing, yielding.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(60);

    public void Dispose()
    {
        Clear();
        connection.Dispose();
    }

    /// <summary>Flushes what may be gone already, on a link that may be dead.</summary>
    public void FlushQuietly(uint handle)
    {
        try
        {
            FlushContext(handle);
        }
        catch (TpmException)
        {
            // It had ended already.
        }
        catch (TpmTransportException)
        {
            // Whoever uses the link next will hear of it; this runs while another error may be on its way.
        }
    }

    private Tpm2Request Begin(TpmCc command, params ReadOnlySpan<Tpm2Entity> entities) => new(_parameters, command, entities);

    /// <summary>
    /// Sends a command and reads the parameters of its response with <paramref name="read"/>; what that leaves unread is an error. The session
    /// authorizes the use of the first entity, whose value is <paramref name="auth"/>.
    /// </summary>
    private T Execute<T>(
        scoped in Tpm2Request request,
        ReadParameters<T> read,
        Tpm2Session? session = null,
        Tpm2AuthValue? auth = null,
        Tpm2Encryption encryption = Tpm2Encryption.None,
        bool outHandle = false)
    {
        try
        {
            Span<byte> parameters = Exchange(request, session, auth, encryption, outHandle, out uint handle);
            var reader = new WireReader(parameters);
            T value = read(handle, ref reader);
            if (reader.Finish() is var result and not TpmResult.Success)
                throw new Tpm2ProtocolException(request.Command, $"its parameters do not read (TPM_{result})");
            return value;
        }
        finally
        {
            Clear();
        }
    }

    /// <summary>Sends a command whose response has no parameters.</summary>
    private void Execute(
        scoped in Tpm2Request request, Tpm2Session? session = null, Tpm2AuthValue? auth = null, Tpm2Encryption encryption = Tpm2Encryption.None) =>
        Execute(request, static (uint _, ref WireReader _) => true, session, auth, encryption);

    private static byte[] Sized(uint handle, ref WireReader reader) => Sized(ref reader);

    private static byte[] Sized(ref WireReader reader)
    {
        ReadOnlyMemory<byte> value = default;
        reader.Sized16(ref value);
        // The array that the reader has made, so that there is one copy of a secret, and the caller's to zero.
        return MemoryMarshal.TryGetArray(value, out ArraySegment<byte> segment) && segment.Array is { } array && array.Length == segment.Count ? array : value.ToArray();
    }

    private static T Structure<T>(ref WireReader reader)
        where T : struct, IWireStructure<T>
    {
        T value = default;
        reader.Structure(ref value);
        return value;
    }

    /// <summary>A structure in a TPM2B; one that does not fill its size is a fault.</summary>
    private static T SizedStructure<T>(ref WireReader reader)
        where T : struct, IWireStructure<T>
    {
        TpmResult result = WireFormat.Read(Sized(ref reader), out T value);
        if (result != TpmResult.Success) reader.Fault(result);
        return value;
    }

    /// <returns>The parameters of the response, in this client's buffer, decrypted.</returns>
    private Span<byte> Exchange(
        scoped in Tpm2Request request, Tpm2Session? session, Tpm2AuthValue? auth, Tpm2Encryption encryption, bool outHandle, out uint handle)
    {
        if (request.IsTooLong) throw new ArgumentException($"TPM2_{request.Command} with these parameters does not fit into a command");
        int answered = Send(request.Command, Assemble(request, session, auth, encryption), session);
        Span<byte> response = _response.AsSpan(0, answered);
        ushort tag = BinaryPrimitives.ReadUInt16BigEndian(response);
        if (tag != (session is null ? NoSessions : Sessions)) throw new Tpm2ProtocolException(request.Command, $"tag 0x{tag:x4}");
        Span<byte> body = response[TpmMessage.HeaderLength..];
        handle = 0;
        if (outHandle)
        {
            if (body.Length < sizeof(uint)) throw new Tpm2ProtocolException(request.Command, $"{answered} bytes");
            handle = BinaryPrimitives.ReadUInt32BigEndian(body);
            body = body[sizeof(uint)..];
        }

        return session is null ? body : Verify(request.Command, body, session, auth, encryption);
    }

    /// <summary>Puts the whole request together.</summary>
    /// <returns>Its length.</returns>
    private int Assemble(scoped in Tpm2Request request, Tpm2Session? session, Tpm2AuthValue? auth, Tpm2Encryption encryption)
    {
        var writer = new WireWriter(_request.AsSpan(TpmMessage.HeaderLength));
        foreach (Tpm2Entity entity in request.Entities) UInt32(ref writer, entity.Handle);
        Span<byte> parameters = _parameters.AsSpan(0, request.Parameters.Length);
        if (session is not null)
        {
            session.Begin();
            if (encryption.HasFlag(Tpm2Encryption.Command)) session.Encrypt(parameters[sizeof(ushort)..][..BinaryPrimitives.ReadUInt16BigEndian(parameters)], auth);
            byte attributes = session.Attributes(encryption);
            byte[] hmac = session.Authorize(CommandHash(session.Hash, request, parameters), attributes, auth);
            UInt32(ref writer, (uint)(sizeof(uint) + sizeof(ushort) + session.NonceCaller.Length + sizeof(byte) + sizeof(ushort) + hmac.Length));
            UInt32(ref writer, session.Handle);
            Sized(ref writer, session.NonceCaller);
            writer.UInt8(ref attributes);
            Sized(ref writer, hmac);
        }

        writer.Fixed(parameters);
        if (writer.Result != TpmResult.Success)
            throw new ArgumentException($"TPM2_{request.Command} with these parameters does not fit into a command");
        int length = TpmMessage.HeaderLength + writer.Length;
        BinaryPrimitives.WriteUInt16BigEndian(_request, session is null ? NoSessions : Sessions);
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(2), length);
        BinaryPrimitives.WriteUInt32BigEndian(_request.AsSpan(6), (uint)request.Command);
        return length;
    }

    /// <summary>Sends the request until it is answered with something else than that the TPM is busy.</summary>
    /// <returns>The length of the response, which is a success.</returns>
    private int Send(TpmCc command, int length, Tpm2Session? session)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        for (int pause = FirstPause; ; pause = Math.Min(2 * pause, LongestPause))
        {
            int answered = Transmit(length, session);
            if (answered < TpmMessage.HeaderLength || BinaryPrimitives.ReadUInt32BigEndian(_response.AsSpan(2)) != (uint)answered)
                throw new Tpm2ProtocolException(command, "its header does not fit it");
            var code = (TpmRc)BinaryPrimitives.ReadUInt32BigEndian(_response.AsSpan(6));
            if (code == TpmRc.Success) return answered;
            ushort tag = BinaryPrimitives.ReadUInt16BigEndian(_response);
            if (answered != TpmMessage.HeaderLength || tag is not (NoSessions or ResponseOfOld))
                throw new Tpm2ProtocolException(command, $"code 0x{(uint)code:x} with tag 0x{tag:x4} in {answered} bytes");
            // A busy TPM has done nothing, so that the same nonces are still the next ones.
            if (!code.IsBusy() || Environment.TickCount64 >= deadline) throw new Tpm2CommandException(command, code);
            Thread.Sleep(pause);
        }
    }

    private int Transmit(int length, Tpm2Session? session)
    {
        session?.Doubt();
        try
        {
            return connection.Transmit(_request.AsSpan(0, length), _response);
        }
        catch
        {
            session?.Abandon();
            throw;
        }
    }

    /// <summary>Checks the session's part of a response (Part 1 §18.9), and decrypts the first parameter where it is encrypted.</summary>
    private static Span<byte> Verify(TpmCc command, Span<byte> body, Tpm2Session session, Tpm2AuthValue? auth, Tpm2Encryption encryption)
    {
        if (body.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32BigEndian(body) is var size && size > body.Length - sizeof(uint))
            throw new Tpm2ProtocolException(command, "its size of parameters is not true");
        Span<byte> parameters = body.Slice(sizeof(uint), (int)size);
        if (WireFormat.Read(body[(sizeof(uint) + (int)size)..], out ResponseAuth response) != TpmResult.Success)
            throw new Tpm2ProtocolException(command, "its authorization area does not read");
        if (!session.Accept(ResponseHash(session.Hash, command, parameters), response.Nonce, response.Attributes, response.Hmac, auth))
            throw new Tpm2IntegrityException(command, "its HMAC is wrong");
        if (encryption.HasFlag(Tpm2Encryption.Response))
        {
            if (parameters.Length < sizeof(ushort) || BinaryPrimitives.ReadUInt16BigEndian(parameters) is var first && first > parameters.Length - sizeof(ushort))
                throw new Tpm2ProtocolException(command, "its first parameter is longer than all of them");
            session.Decrypt(parameters.Slice(sizeof(ushort), first), auth);
        }

        return parameters;
    }

    /// <summary>cpHash (Part 1 §18.7): the command code, the Names of what it is done with, the parameters as they are sent.</summary>
    private static byte[] CommandHash(TpmAlgId algorithm, scoped in Tpm2Request request, ReadOnlySpan<byte> parameters)
    {
        using var hash = IncrementalHash.CreateHash(algorithm.Name());
        Append(hash, (uint)request.Command);
        foreach (Tpm2Entity entity in request.Entities) hash.AppendData(entity.Name.Span);
        hash.AppendData(parameters);
        return hash.GetHashAndReset();
    }

    /// <summary>rpHash (Part 1 §18.8), of a success.</summary>
    private static byte[] ResponseHash(TpmAlgId algorithm, TpmCc command, ReadOnlySpan<byte> parameters)
    {
        using var hash = IncrementalHash.CreateHash(algorithm.Name());
        Append(hash, (uint)TpmRc.Success);
        Append(hash, (uint)command);
        hash.AppendData(parameters);
        return hash.GetHashAndReset();
    }

    private static void Append(IncrementalHash hash, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void UInt32(ref WireWriter writer, uint value) => writer.UInt32(ref value);

    private static void Sized(ref WireWriter writer, ReadOnlySpan<byte> bytes)
    {
        ushort length = (ushort)bytes.Length;
        writer.UInt16(ref length);
        foreach (byte b in bytes)
        {
            byte value = b;
            writer.UInt8(ref value);
        }
    }

    private void Clear()
    {
        CryptographicOperations.ZeroMemory(_parameters);
        CryptographicOperations.ZeroMemory(_request);
        CryptographicOperations.ZeroMemory(_response);
    }

    private delegate T ReadParameters<out T>(uint handle, ref WireReader reader);

    /// <summary><c>TPMS_AUTH_RESPONSE</c> (Part 2 §10.13.3), of the one session that our commands have.</summary>
    private struct ResponseAuth : IWireStructure<ResponseAuth>
    {
        public ReadOnlyMemory<byte> Nonce;
        public byte Attributes;
        public ReadOnlyMemory<byte> Hmac;

        public static void Describe<TCodec>(ref TCodec wire, ref ResponseAuth value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.Sized16(ref value.Nonce);
            wire.UInt8(ref value.Attributes);
            wire.Sized16(ref value.Hmac);
        }
    }
}
