using System.Security.Cryptography;
using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Commands.Maintenance;

/// <summary>The manufacturer of the TPMs, who forwards archives that he cannot read. His key's factors are in the test vectors.</summary>
internal static class Manufacturer
{
    /// <summary>What is in an archive, still hidden.</summary>
    public static byte[] Open(ReadOnlyMemory<byte> manufacturersModulus, ReadOnlyMemory<byte> archive)
    {
        _ = WireFormat.Read(archive.Span, out TpmKey key);
        return Witness.DecryptOaep(manufacturersModulus, key.EncData);
    }

    /// <summary>The archive for the TPM of this SRK, with his signature.</summary>
    public static LoadMaintenanceArchiveRequest Forward(
        ReadOnlyMemory<byte> manufacturersModulus, in CreateMaintenanceArchiveResponse created, ReadOnlyMemory<byte> srkModulus) =>
        Send(manufacturersModulus, created, srkModulus, Open(manufacturersModulus, created.Archive));

    /// <summary>The same, with other contents than it came with.</summary>
    public static LoadMaintenanceArchiveRequest Send(
        ReadOnlyMemory<byte> manufacturersModulus, in CreateMaintenanceArchiveResponse created, ReadOnlyMemory<byte> srkModulus, byte[] hidden)
    {
        _ = WireFormat.Read(created.Archive.Span, out TpmKey key);
        key.EncData = Witness.EncryptOaep(srkModulus, hidden);
        return Sign(manufacturersModulus, key, created.Random);
    }

    public static LoadMaintenanceArchiveRequest Sign(ReadOnlyMemory<byte> manufacturersModulus, in TpmKey key, ReadOnlyMemory<byte> random)
    {
        byte[] archive = WireFormat.ToBytes(key);
        byte[] signature = Witness.Sign(manufacturersModulus, SHA1.HashData(archive));
        return new LoadMaintenanceArchiveRequest { Archive = archive, Random = random, Signature = signature };
    }
}
