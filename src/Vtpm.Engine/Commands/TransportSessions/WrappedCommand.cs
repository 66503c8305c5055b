using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Engine.Commands.TransportSessions;

/// <summary>
/// The command that TPM_ExecuteTransport brings (Part 3 §24.2 description 5): what of it is DATAw, which is encrypted and logged, and what is not:
/// the header, the handles and the authorization blocks.
/// </summary>
internal readonly ref struct WrappedCommand
{
    private WrappedCommand(TpmCommand command, Span<byte> bytes, Range data)
    {
        Command = command;
        Bytes = bytes;
        Data = bytes[data];
    }

    public TpmCommand Command { get; }

    public Span<byte> Bytes { get; }

    /// <summary>DATAw.</summary>
    public Span<byte> Data { get; }

    /// <summary>ORDw.</summary>
    public ReadOnlySpan<byte> Ordinal => Bytes.Slice(6, sizeof(uint));

    /// <summary>Actions 2 and 3.</summary>
    /// <returns>
    /// TPM_BAD_PARAM_SIZE where the command has another length than it says; TPM_BAD_PARAMETER for one that this TPM does not have, or that is
    /// shorter than its handles and authorization blocks.
    /// </returns>
    public static TpmResult Parse(CommandTable commands, Span<byte> bytes, out WrappedCommand wrapped)
    {
        wrapped = default;
        if (bytes.Length < CommandPipeline.HeaderSize || BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]) != bytes.Length)
            return TpmResult.BadParamSize;
        var ordinal = (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(bytes[6..]);
        if (commands.Find(ordinal, out TpmCommand command) != TpmResult.Success) return TpmResult.BadParameter;
        // The tag says where DATAw ends; with any other tag that cannot be determined.
        int sessions = BinaryPrimitives.ReadUInt16BigEndian(bytes) - (int)TpmTag.RquCommand;
        int start = CommandPipeline.HeaderSize + command.Traits.BareIn;
        int end = bytes.Length - sessions * AuthBlockWire.RequestSize;
        if (sessions is < 0 or > 2 || end < start) return TpmResult.BadParameter;
        wrapped = new WrappedCommand(command, bytes, start..end);
        return TpmResult.Success;
    }

    /// <summary>Action 13: DATAw of the response, by the same rules. A failure has none.</summary>
    public Span<byte> DataOf(Span<byte> response)
    {
        int sessions = BinaryPrimitives.ReadUInt16BigEndian(response) - (int)TpmTag.RspCommand;
        int start = CommandPipeline.HeaderSize + Command.Traits.BareOut;
        int end = response.Length - sessions * AuthBlockWire.ResponseSize;
        return start < end ? response[start..end] : [];
    }

    /// <summary>Action 10c to 10e: the digest of the public keys that the handles name; zeroes where there are none.</summary>
    /// <returns>TPM_INVALID_KEYHANDLE for one that is not loaded.</returns>
    public TpmResult HashKeys(CommandContext tpm, out TpmDigest pubKeyHash)
    {
        pubKeyHash = default;
        ReadOnlySpan<byte> parameters = Bytes[CommandPipeline.HeaderSize..];
        int count = Command.KeyHandles(parameters);
        if (count == 0) return TpmResult.Success;
        Span<byte> digests = stackalloc byte[2 * TpmDigest.Size];
        for (int i = 0; i < count; i++)
        {
            if (parameters.Length < (i + 1) * sizeof(uint)) return TpmResult.InvalidKeyHandle;
            uint handle = BinaryPrimitives.ReadUInt32BigEndian(parameters[(i * sizeof(uint))..]);
            LoadedKey? key = tpm.PermanentData.EndorsementKey;
            if (handle != TpmKeyHandle.EK) _ = tpm.FindKey(handle, out key);
            if (key is null) return TpmResult.InvalidKeyHandle;
            WireFormat.Digest(key.Key.PubKey).ReadOnlySpan.CopyTo(digests[(i * TpmDigest.Size)..]);
        }

        pubKeyHash = TpmDigest.Of(digests[..(count * TpmDigest.Size)]);
        return TpmResult.Success;
    }
}
