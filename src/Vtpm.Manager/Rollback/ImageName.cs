using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Manager;

/// <summary>How an image's counter and area are found again when a stop came between their making and the save that names them.</summary>
internal readonly record struct ImageName(uint CounterLabel, int AreaNumber)
{
    public static ImageName Of(Guid manager)
    {
        byte[] hash = SHA256.HashData(manager.ToByteArray(bigEndian: true));
        return new ImageName(BinaryPrimitives.ReadUInt32BigEndian(hash), BinaryPrimitives.ReadUInt16BigEndian(hash.AsSpan(sizeof(uint))) & 0xFFF);
    }
}
