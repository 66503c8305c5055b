using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Confinement;

/// <summary>posix_spawn. A process with managed threads must not fork: what runs between fork and exec is the C library's alone here.</summary>
internal static unsafe partial class Spawn
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    /// <summary>The first descriptor after the standard ones.</summary>
    private const int FirstDescriptor = 3;

    /// <summary>More than posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t have in any C library.</summary>
    private const int OpaqueSize = 1024;

    private const short SetProcessGroup = 0x02;
    private const short SetSignalDefaults = 0x04;
    private const short SetSignalMask = 0x08;

    public static int Start(ChildProcessStart start)
    {
        var copies = new List<SafeFileHandle>();
        byte* opaque = (byte*)NativeMemory.AllocZeroed(3 * OpaqueSize);
        byte* attributes = opaque, actions = opaque + OpaqueSize, signals = opaque + 2 * OpaqueSize;
        using var arguments = new StringVector([start.Path, .. start.Arguments]);
        using var environment = new StringVector(start.Environment);
        try
        {
            Check(InitializeAttributes(attributes));
            Check(InitializeActions(actions));
            Check(EmptySet(signals));
            Check(SetMask(attributes, signals));
            Check(FillSet(signals));
            Check(SetDefaults(attributes, signals));
            Check(SetFlags(attributes, SetProcessGroup | SetSignalDefaults | SetSignalMask));
            Check(AddOpen(actions, 0, "/dev/null", 0, 0));
            AddDescriptors(actions, start, copies);
            int error = PosixSpawn(out int id, start.Path, actions, attributes, arguments.Pointer, environment.Pointer);
            return error == 0 ? id : throw new ConfinementException($"{start.Path} cannot be started", error);
        }
        finally
        {
            _ = DestroyActions(actions);
            _ = DestroyAttributes(attributes);
            NativeMemory.Free(opaque);
            foreach (SafeFileHandle copy in copies) copy.Dispose();
        }
    }

    /// <summary>Copies above all numbers that are given away, so that none is written over before it is used; then everything else is closed.</summary>
    private static void AddDescriptors(byte* actions, ChildProcessStart start, List<SafeFileHandle> copies)
    {
        int end = FirstDescriptor + start.Descriptors.Count;
        int Copy(SafeHandle handle)
        {
            int copy = LibC.Control(handle, LibC.DuplicateCloseOnExec, end);
            if (copy < 0) throw new ConfinementException("a descriptor to be passed on cannot be copied", Marshal.GetLastPInvokeError());
            copies.Add(new SafeFileHandle(copy, ownsHandle: true));
            return copy;
        }

        for (int target = FirstDescriptor; target < end; target++)
            Check(AddDuplicate(actions, Copy(start.Descriptors[target - FirstDescriptor]), target));
        if (start.Output is { } output)
        {
            int copy = Copy(output);
            Check(AddDuplicate(actions, copy, StandardOutput));
            Check(AddDuplicate(actions, copy, StandardError));
        }

        Check(AddCloseFrom(actions, end));
    }

    private static void Check(int error)
    {
        if (error != 0) throw new ConfinementException("the start of a process cannot be described", error);
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PosixSpawn(out int pid, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static partial int InitializeAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static partial int DestroyAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int SetMask(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int SetDefaults(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    private static partial int EmptySet(byte* signals);

    [LibraryImport("libc", EntryPoint = "sigfillset")]
    private static partial int FillSet(byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int InitializeActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int DestroyActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(byte* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int AddDuplicate(byte* actions, int descriptor, int target);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    private static partial int AddCloseFrom(byte* actions, int first);
}
