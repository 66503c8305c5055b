using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Storage;

namespace Vtpm.Fuzz;

/// <summary>
/// A vTPM's disk image, or, where the first byte is odd, the state file of a stand-in; bit 1 of that byte has the checksums made right. Neither gives a
/// state that was not saved, and what opens can be saved.
/// </summary>
public sealed class VtpmImageTarget : IFuzzTarget
{
    private const byte StateFiles = 1;
    private const byte Repairs = 2;
    private const int HeaderEnd = 24;
    private const int SlotHeader = 44;
    private const int FirstSlot = 4096;

    // In memory, where there is such a place: an fsync takes longer than all the rest.
    private static readonly string Folder = MakeFolder();

    public string Name => "vtpmimage";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 1) return;
        byte[] bytes = input[1..].ToArray();
        if ((input[0] & StateFiles) != 0) RunStateFile(bytes, (input[0] & Repairs) != 0);
        else RunImage(bytes);
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        byte[] disk = new byte[4096];
        var image = new VtpmImage(new MemoryBlockStore(disk));
        image.StartFresh();
        for (int i = 0; i < 2; i++)
        {
            image.Save(new byte[100 + i], new byte[VtpmImage.HashKeySize]);
            image.Accept();
            yield return ($"image-{i}", [0, .. disk]);
        }

        yield return ("small", [0, .. new byte[40]]);
        byte[] file = new byte[FirstSlot + 2 * 256];
        "vTPM state file\n"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(16), StateFile.CurrentVersion);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(20), 256);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(FirstSlot), 4);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(FirstSlot + 8), 30);
        yield return ("state-file", [3, .. file]);
        yield return ("state-file-damaged", [1, .. file]);
    }

    private static string MakeFolder()
    {
        string parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        string folder = Directory.CreateDirectory(Path.Combine(parent, $"vtpm-fuzz-{Environment.ProcessId}")).FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static void RunImage(byte[] bytes)
    {
        for (int slot = 0; slot < 2; slot++)
        {
            byte[] disk = (byte[])bytes.Clone();
            byte[] hashKey = new byte[VtpmImage.HashKeySize];
            int offset = slot * (disk.Length / 512 * 512 / 2);
            if (offset + 4 <= disk.Length && BinaryPrimitives.ReadUInt32BigEndian(disk.AsSpan(offset)) is var length && length <= disk.Length - offset - 4)
                SHA1.HashData(disk.AsSpan(offset + 4, (int)length), hashKey);
            var image = new VtpmImage(new MemoryBlockStore(disk));
            VtpmImageLoad load = image.Load(hashKey);
            ImageReport report = VtpmImageCheck.Run(new MemoryBlockStore(disk), hashKey.AsSpan(0, VtpmImage.HashSize));
            ImageFaces.Check(disk.AsSpan().SequenceEqual(bytes), "looking at an image has changed it");
            if (load.Content != VtpmImageContent.Loaded)
            {
                ImageFaces.Check(report.IsDamaged, $"refused as {load.Content}, and the check finds no damage");
                continue;
            }

            byte[] newKey = new byte[VtpmImage.HashKeySize];
            ImageFaces.Check(image.Save(load.State, newKey).Write == VtpmImageWrite.Written, "an image that was loaded cannot be saved");
            image.Reject();
            ImageFaces.Check(image.Load(hashKey).State.AsSpan().SequenceEqual(load.State), "a save has gone over the live slot");
        }
    }

    private static void RunStateFile(byte[] bytes, bool repairs)
    {
        if (repairs) Repair(bytes);
        string path = Path.Combine(Folder, "state");
        File.WriteAllBytes(path, bytes);
        try
        {
            byte[]? state;
            using (StateFile file = StateFile.Open(path))
            {
                state = file.Load();
                file.Save([1, 2, 3]);
            }

            using StateFile again = StateFile.Open(path);
            ImageFaces.Check(again.Load() is [1, 2, 3], $"a state of {state?.Length ?? 0} bytes came back instead of the one that was saved");
        }
        catch (StorageException error) when (error.Fault is StorageFault.Damaged or StorageFault.NewerVersion)
        {
            ImageFaces.Check(File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes), "a refused file was changed");
        }
    }

    private static void Repair(byte[] file)
    {
        if (file.Length < HeaderEnd + 32) return;
        SHA256.HashData(file.AsSpan(0, HeaderEnd), file.AsSpan(HeaderEnd));
        long slotSize = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(20));
        for (long at = FirstSlot; at + SlotHeader <= file.Length && at <= FirstSlot + slotSize; at += Math.Max(1, slotSize))
        {
            Span<byte> slot = file.AsSpan((int)at);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(slot[8..]);
            if (length > slot.Length - SlotHeader) continue;
            SHA256.HashData([.. slot[..12], .. slot.Slice(SlotHeader, (int)length)], slot[12..]);
        }
    }
}
